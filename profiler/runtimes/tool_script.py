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

Each line of the tool's output has a sign before it, so that it cannot be taken for a mark. A newline is added where the
tool's last line had none, else an empty line. A model whose run fails is not run again. Models are numbers in the
script: their names are only in plan.json, which no shell interprets. The script itself ends a run that hangs, since the
exit code of toybox's ``timeout`` (0.8.8, 0.8.9) is not always the command's.
"""

from __future__ import annotations

import random
import shlex
from collections.abc import Iterable, Iterator, Sequence

MARK = "=== edgenas"
TOOL, MODEL = "@TOOL@", "@MODEL@"  # placeholders of the tool and of the model's number in a command line
OUTPUT_BLOCKS = 128  # limit of either stream of a run, blocks of 512 bytes: over ten times that of a successful run
WATCH_S = 2  # seconds between checks for a run that hangs
GRACE_S = 20  # seconds past the time limit in which a round that has begun may finish

_SCRIPT = """# made by edgenas: runs a tool once for each model and round, in the order below; $1 folder, $2 tool
cd "$1" || exit 3
tool=$2
for t in taskset grep sed sha256sum sleep; do
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
    ( ulimit -f @BLOCKS@; exec @COMMAND@ ) >out 2>err </dev/null &
    echo "$! $began" >running
    wait $!
    code=$?
    : >running
    clock
    echo "=== edgenas run $1 $2 $code $((now - began)) $began"
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
@TURNS@
finish
"""


def script(command: Sequence[str], turns: Iterable[Sequence[int]], *, limit_s: int, run_limit_s: int) -> str:
    """Return the text of the script. ``command`` is the tool's command line with TOOL and MODEL in it, pinned or not;
    ``turns`` has the models of each round. After ``limit_s`` seconds only runs of a round that has begun are started; a
    run is ended after ``run_limit_s`` seconds."""
    pin = command[: list(command).index(TOOL)]
    text = shlex.join(command).replace(TOOL, '"$tool"').replace(MODEL, '"$2"')
    values = {
        "RUN_LIMIT": str(run_limit_s),
        "WATCH": str(WATCH_S),
        "BLOCKS": str(OUTPUT_BLOCKS),
        "COMMAND": text,
        "PIN": shlex.join(pin),
        "GRACE": str(GRACE_S),
        "LIMIT": str(limit_s),
        "TURNS": "\n".join(f"turn {k} {' '.join(map(str, order))}" for k, order in enumerate(turns)),
    }
    filled = _SCRIPT
    for name, value in values.items():
        filled = filled.replace(f"@{name}@", value)
    return filled


def orders(seed: int, models: int, rounds: int) -> Iterator[tuple[int, ...]]:
    """Yield the models of each round, in a newly shuffled order."""
    shuffler = random.Random(seed)
    order = list(range(models))
    for _ in range(rounds):
        shuffler.shuffle(order)
        yield tuple(order)
