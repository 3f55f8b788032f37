"""Shell script that measures a batch with a tool, on devices without Python. This module only returns its text.

It runs in any POSIX sh: dash, bash, busybox, and Android's mksh with toybox. Its output, parsed by ``tool_output``:

    {"...": ...}                             plan.json as it was pushed
    === edgenas tool SHA256                  digest of the tool on the device
    === edgenas round ROUND CPUS             CPUs permitted at the beginning of a round, such as '0-3,5'
    === edgenas run ROUND MODEL CODE S AT    a run of the tool: exit code, duration in whole seconds, begin (uptime, s)
    |...                                     each line of its stdout, then
    === edgenas err ROUND MODEL
    !...                                     each line of its stderr, then
    === edgenas ran ROUND MODEL
    === edgenas late MODEL                   not started: the time limit had passed
    === edgenas done ROUND
    === edgenas end ROUNDS                   number of finished rounds

With a delegate, the script asks the tool for its flags first, chooses the command line of TensorFlow's or LiteRT 2's
tool by them, prints '=== edgenas kind tensorflow' (or litert) after the tool's digest, and stops where the tool lacks a
flag. Files that a run writes beside its model follow its stderr as lines 'edgenas NAME BASE64'.

Each line of the tool's output has a sign before it, so that it cannot be taken for a mark. A newline is added where the
tool's last line had none, else an empty line. A model whose run fails is not run again. Models are numbers in the
script: their names are only in plan.json, which no shell interprets. The script itself ends a run that hangs, since the
exit code of toybox's ``timeout`` (0.8.8, 0.8.9) is not always the command's.
"""

from __future__ import annotations

import random
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from edgenas.profiler.runtimes import tool_comparison

MARK = "=== edgenas"
TOOL, MODEL = "@TOOL@", "@MODEL@"  # placeholders of the tool and of the model's number in a command line
CACHE = "@CACHE@"  # placeholder of the folder in which a delegate keeps what it compiled
OUTPUT_BLOCKS = 128  # limit of either stream of a run, blocks of 512 bytes: over ten times that of a successful run
WATCH_S = 2  # seconds between checks for a run that hangs
GRACE_S = 20  # seconds past the time limit in which a round that has begun may finish

_SCRIPT = """# made by edgenas: runs a tool once for each model and round, in the order below; $1 folder, $2 tool
cd "$1" || exit 3
tool=$2
for t in taskset grep sed sha256sum sleep@PROGRAMS@; do
    command -v $t >/dev/null || { echo "the device has no program '$t', which measuring takes" >&2; exit 3; }
done
if [ ! -f "$tool" ] || [ ! -x "$tool" ]; then echo "$tool: no program there" >&2; exit 127; fi
bad=' '
clock() { # seconds, of a clock that nobody sets
    { read -r now rest </proc/uptime; } 2>/dev/null && now=${now%%.*} || now=$(date +%s)
}
guard() { # ends a run that takes too long
    while sleep @WATCH@ && kill -0 $$; do
        p=
        read -r p since <running || continue
        clock
        if [ -n "$p" ] && [ $((now - since)) -ge @RUN_LIMIT@ ]; then kill -9 "$p"; fi
    done
}
run() { # $1 round, $2 model
    rm -f out err
    clock; began=$now
    ( ulimit -f @BLOCKS@; @COMMAND@ ) >out 2>err </dev/null &
    echo "$! $began" >running
    wait $!
    code=$?
    : >running
    clock
@FILES@    echo "=== edgenas run $1 $2 $code $((now - began)) $began"
    sed 's/^/|/' out; echo
    echo "=== edgenas err $1 $2"
    sed 's/^/!/' err; echo
    echo "=== edgenas ran $1 $2"
    if [ $code -ne 0 ]; then bad="$bad$2 "; fi
}
turn() { # $1 round, then models
    k=$1; shift
    clock
    if [ "$k" -gt 0 ] && [ "$now" -ge "$limit" ]; then finish; fi
    cpus=$(@PIN@ grep Cpus_allowed_list: /proc/self/status) || exit 3
    echo "=== edgenas round $k ${cpus##*[!0-9,-]}"
    for m do
        case $bad in *" $m "*) continue;; esac
        clock
        if [ "$k" -gt 0 ]; then
            if [ "$now" -ge $((limit + @GRACE@)) ]; then finish; fi
        elif [ "$now" -ge "$limit" ]; then
            echo "=== edgenas late $m"; bad="$bad$m "; continue
        fi
        run "$k" "$m"
    done
    echo "=== edgenas done $k"
    rounds=$((k + 1))
}
finish() { echo "=== edgenas end $rounds"; exit 0; }
guard >/dev/null 2>&1 </dev/null &
guard=$!
trap 'kill $guard' EXIT
rounds=0
clock; limit=$((now + @LIMIT@))
cat plan.json || exit 3
sum=$(sha256sum <"$tool")
echo "=== edgenas tool ${sum%% *}"
@KIND@@TURNS@
finish
"""


#: asks for the flags of a tool: both tools called benchmark_model list them where the value of one is no number
_KIND = """kind=tensorflow
clock
"$tool" '--num_runs=?' >flags 2>&1 </dev/null &
echo "$! $now" >running
wait $!
: >running
if grep -q -e '--use_npu=' flags; then kind=litert; fi
echo "=== edgenas kind $kind"
lacks() { echo "it is $1" >&2; exit 3; }
case $kind in
litert) @LITERT@;;
tensorflow) @TENSORFLOW@;;
esac
for f in $needed; do
    grep -q -e "--$f=" flags || lacks "$named without --$f: use a build of it that has this flag"
done
mkdir -p cache
@COMPARISON@"""
_FILES = """    for f in @NAMES@; do
        if [ -s "$2.$f" ]; then printf 'edgenas %s ' "$f"; base64 -w 0 <"$2.$f"; echo; fi
        rm -f "$2.$f"
    done >>err
    if [ $code -eq 0 ] && [ "$1" -eq 0 ]; then compare "$2"; fi
"""
FILES = ("info", "result")  # files that a run with a delegate may write, named MODEL.NAME


@dataclass(frozen=True, slots=True)
class ToolChoice:
    """Command line for one of the tools that share a name: ``needed`` are the flags that it must have; where the tool
    does not have the delegate, ``lacks`` is the reason, and there is no command line. ``compared`` are short runs with
    the delegate and with the CPU, whose outputs are compared."""

    named: str
    command: tuple[str, ...] = ()
    needed: tuple[str, ...] = ()
    lacks: str = ""
    compared: tuple[tuple[str, ...], ...] = ()


def script(
    command: Sequence[str] | Mapping[str, ToolChoice], turns: Iterable[Sequence[int]], *, limit_s: int, run_limit_s: int
) -> str:
    """Return the text of the script. ``command`` is the tool's command line with TOOL and MODEL in it, pinned or not;
    or 'litert' and 'tensorflow' -> choice, where the tool itself decides; ``turns`` has the models of each round. After
    ``limit_s`` seconds only runs of a round that has begun are started; a run is ended after ``run_limit_s`` seconds.
    """
    chosen = command if isinstance(command, Mapping) else {}
    plain = next(c.command for c in chosen.values() if c.command) if isinstance(command, Mapping) else tuple(command)
    cases = " ".join(f"{kind}) exec {_shell(choice.command)};;" for kind, choice in chosen.items() if choice.command)
    values = {
        "KIND": _KIND if chosen else "",
        "FILES": _FILES.replace("@NAMES@", " ".join(FILES)) if chosen else "",
        "PROGRAMS": " base64 head tail" if chosen else "",
        "COMPARISON": _compared(chosen),
        **{kind.upper(): _chosen(choice) for kind, choice in chosen.items()},
        "RUN_LIMIT": str(run_limit_s),
        "WATCH": str(WATCH_S),
        "BLOCKS": str(OUTPUT_BLOCKS),
        "COMMAND": f"case $kind in {cases} esac" if chosen else f"exec {_shell(plain)}",
        "PIN": shlex.join(plain[: plain.index(TOOL)]),
        "GRACE": str(GRACE_S),
        "LIMIT": str(limit_s),
        "TURNS": "\n".join(f"turn {k} {' '.join(map(str, order))}" for k, order in enumerate(turns)),
    }
    filled = _SCRIPT
    for name, value in values.items():
        filled = filled.replace(f"@{name}@", value)
    return filled


def _shell(command: Sequence[str]) -> str:
    """Return a command line as text for the shell, with the script's variables in place of the placeholders."""
    text = shlex.join(command)
    return text.replace(TOOL, '"$tool"').replace(MODEL, '"$2"').replace(CACHE, '"$PWD"/cache')


def _compared(choices: Mapping[str, ToolChoice]) -> str:
    """Return the part of the script that compares outputs; one that does nothing where no tool can."""
    runs = next((choice.compared for choice in choices.values() if choice.compared), ())
    if not runs:
        return "compare() { :; }\n"
    delegated, cpu = (_shell(run).replace('"$2"', '"$model"') for run in runs)
    text = tool_comparison.SHELL.replace("@DELEGATED@", delegated).replace("@CPU@", cpu)
    text = text.replace("@NEEDED@", " ".join(tool_comparison.NEEDED))
    return text.replace("@SLICE@", str(tool_comparison.SLICE_BYTES))


def _chosen(choice: ToolChoice) -> str:
    if choice.lacks:
        return f"lacks {shlex.quote(choice.lacks)}"
    return f"named={shlex.quote(choice.named)} needed={shlex.quote(' '.join(choice.needed))}"


def orders(seed: int, models: int, rounds: int) -> Iterator[tuple[int, ...]]:
    """Yield the models of each round, in a newly shuffled order."""
    shuffler = random.Random(seed)
    order = list(range(models))
    for _ in range(rounds):
        shuffler.shuffle(order)
        yield tuple(order)
