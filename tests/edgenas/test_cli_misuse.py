"""Options and arguments that click refuses: one line in the form of all errors, exit code 2."""

from __future__ import annotations

import pytest

from edgenas.cli import main

HELP = "for help: edgenas "


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("table show", f"TABLE is missing; {HELP}table show --help"),
        ("search digits", f"--accuracy is missing; {HELP}search --help"),
        ("table import f --format ofa", f"--out is missing; {HELP}table import --help"),
        ("serach", "no such command 'serach'; did you mean 'search'? There are demo, doctor, "),
        ("table validat x", "no such command 'validat'; did you mean 'validate'? There are show, "),
        ("search digits --acuracy x", "no such option '--acuracy'; did you mean '--accuracy'? For help: "),
        ("table validate t --nochains", "no such option '--nochains'; did you mean '--no-chains'? For help: edgenas"),
        ("profile digits -q", f"no such option '-q'; {HELP}profile --help"),
        ("--verson", "no such option '--verson'; did you mean '--version'? For help: edgenas --help"),
        ("export mobilenet_v2 --format tflit", "--format: 'tflit' is not one of 'tflite', 'onnx'; did you mean 'tf"),
        (
            "verify x.tflite --budget-ms -1",
            "--budget-ms -1 is not a number of ms above 0, such as 8; give one, without its unit",
        ),
        ("verify x.tflite --threads two", f"--threads: 'two' is not a valid integer; {HELP}verify --help"),
        ("completion tcsh", "SHELL: 'tcsh' is not one of 'bash', 'zsh', 'fish'; "),
        ("spaces a b", f"got unexpected extra argument (b); {HELP}spaces --help"),
        ("table show --csv", f"option '--csv' requires an argument; {HELP}table show --help"),
        ("verify x --json=1", f"option '--json' does not take a value; {HELP}verify --help"),
    ],
)  # fmt: skip
def test_one_line_with_the_value_the_rule_and_the_next_command(
    words: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        main(words.split())
    shown = capsys.readouterr()
    assert end.value.code == 2
    assert shown.out == ""
    assert shown.err.startswith(f"edgenas: {message}")
    assert shown.err.count("\n") == 1
