#!/bin/sh
# Runs a command until the command ends or our standard input is closed, which the kernel does when the parent is
# killed: the command does not outlive the process that started this script.
# Usage: sh supervise.sh OUTPUT COMMAND ARGUMENT...
output=$1
shift
exec 3<&0 >"$output" 2>&1
"$@" 3<&- </dev/null &
command=$!
# The parent never writes, so this read ends when the last writer closes the pipe. A shell connects background
# commands to /dev/null, so the pipe is passed as descriptor 3.
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
