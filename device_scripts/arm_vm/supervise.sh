#!/bin/sh
# Runs a command until it ends or our standard input is closed, which the kernel does for a parent that
# was killed: nothing started here outlives whoever started it.
# Usage: sh supervise.sh OUTPUT COMMAND ARGUMENT...
output=$1
shift
exec 3<&0 >"$output" 2>&1
"$@" 3<&- </dev/null &
command=$!
# Nobody ever writes to us, so this read ends when the last writer is gone. What a shell runs in the
# background reads /dev/null, hence descriptor 3.
{
    read -r _ <&3
    kill -KILL $command
} &
watcher=$!
exec 3<&-
wait $command
status=$?
kill -KILL $watcher
exit $status
