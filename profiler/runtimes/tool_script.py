"""The shell script that measures a batch with a tool, on devices without Python. Pure: text out.

For any POSIX sh: dash, bash, busybox, and Android's mksh with toybox. What it prints, read by ``tool_output``:

    {"...": ...}                             plan.json as it was carried there
    === edgenas tool SHA256                  of the tool as it lies there
    === edgenas round ROUND CPUS             CPUs allowed at its beginning, as '0-3,5'
    === edgenas run ROUND MODEL CODE S AT    a run of the tool: exit code, whole seconds it took, when it began (uptime)
    |...                                     each line of its stdout, then
    === edgenas err ROUND MODEL
    !...                                     each line of its stderr, then
    === edgenas ran ROUND MODEL
    === edgenas late MODEL                   not started: the time limit had passed
    === edgenas done ROUND
    === edgenas end ROUNDS                   how many were done

Output of the tool has a sign of its own before each line, so that none of it can be taken for a mark; where its last
line had no end there is one, else an empty line. A model whose run fails is not run again. Models are numbers here:
their names are in plan.json only, which no shell looks into. A run that hangs is ended by the script itself: the exit
code that toybox's ``timeout`` (0.8.8, 0.8.9) answers is not always the command's.
"""

from __future__ import annotations

import random
import shlex
from collections.abc import Iterable, Iterator, Sequence

MARK = "=== edgenas"
TOOL, MODEL = "@TOOL@", "@MODEL@"  # stand in for the tool and the model's number in a command line
OUTPUT_BLOCKS = 128  # of 512 bytes: what a run may write to either stream, and more than ten times what a good one does
WATCH_S = 2  # how often it is looked whether a run hangs
GRACE_S = 20  # for a round that has begun to end, past the time limit

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
    """``command`` is the tool's command line with TOOL and MODEL in it, pinned or not; ``turns`` the models of each
    round. No run starts after ``limit_s`` but those of a round that has begun; a run is ended after ``run_limit_s``."""
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
    """The models of each round, shuffled anew."""
    shuffler = random.Random(seed)
    order = list(range(models))
    for _ in range(rounds):
        shuffler.shuffle(order)
        yield tuple(order)
