#!/bin/sh
# Runs a program that survives the end of the connection. For mksh with toybox, busybox, dash.
#
#   sh launch.sh start JOBDIR [--conditions] [--beside WORDS] -- ARGV...
#                               starts a program detached and waits for its end
#   sh launch.sh wait JOBDIR    waits for a program that was started earlier, after a reconnection
#   sh launch.sh stop JOBDIR    ends the program
#
# `--conditions` runs probe.sh just before and after the program, since the host may be disconnected by then; its
# output goes to conditions_before and conditions_after. `--beside "conditions 0.5 0"` runs sampler.sh with these
# arguments while the program runs. `start` and `wait` print `status N` last: the exit code, 128 + N for signal N,
# `full` when JOBDIR has no room for one, or `lost` when the job vanished without one. JOBDIR holds stdout, stderr, pid (the program's), pid_started, the
# same of the supervisor and the sampler, and, written last, status.
# Exit code: 0 a status was printed; 2 wrong usage.
# Files are read and written by the shell itself where it can: on a phone, each program started takes some milliseconds.

fail() {
    echo "launch.sh: $1" >&2
    exit 2
}

# start_time PID: when the process started, in clock ticks since boot; with the pid this identifies one process.
# It is field 22 of stat. The name in field 2 may contain blanks and parentheses, so count after the last one.
# A zombie, whose parent has not waited for it yet, has ended.
start_time() {
    { IFS= read -r stat <"/proc/$1/stat"; } 2>/dev/null || return 1
    set -f
    # shellcheck disable=SC2086 # split into fields on purpose
    set -- ${stat##*)}
    set +f
    [ "$1" != Z ] || return 1
    shift 19
    echo "$1"
}

# value NAME: the line in a file of the job, in $value; fails where there is none, or none yet.
value() {
    value=
    { IFS= read -r value <"$job/$1"; } 2>/dev/null
    [ -n "$value" ]
}

# is_running NAME: whether the process of the file (pid, supervisor_pid or sampler_pid) still runs; sets $pid.
is_running() {
    value "$1" && pid=$value && value "$1_started" && [ "$(start_time "$pid")" = "$value" ]
}

# write NAME TEXT: for `value`, to which an empty file is none
write() { echo "$2" >"$job/$1"; }

print_status() {
    value status
    [ -n "$value" ] || [ ! -d "$job" ] || { write room yes; } 2>/dev/null || value=full
    echo "status ${value:-lost}"
}

start() {
    [ ! -e "$job/supervisor_pid" ] && [ ! -e "$job/status" ] || fail "$job was used before"
    [ -d "$job" ] || mkdir -p "$job" || fail "cannot make $job"
    job=$(cd "$job" && pwd) || fail "cannot enter $job"
    detach=setsid
    command -v setsid >/dev/null 2>&1 || detach=
    # A separate session and no streams of ours, so the end of the connection does not reach the program.
    # shellcheck disable=SC2086 # an empty $conditions is no argument
    $detach sh "$0" supervise "$job" $conditions --beside "$beside" -- "$@" \
        </dev/null >"$job/stdout" 2>"$job/stderr" &
    # The shell's own wait: polling would disturb what is being measured.
    wait $!
    print_status
}

# Runs in the detached process. If `stop` arrives while conditions are read, do not start the program.
supervise() {
    trap '' HUP
    write supervisor_pid_started "$(start_time $$)"
    write supervisor_pid $$
    [ -z "$conditions" ] || read_conditions conditions_before
    [ ! -e "$job/stopped" ] || exit
    "$@" &
    program=$!
    write pid_started "$(start_time $program)"
    write pid $program
    [ -z "$beside" ] || start_sampler
    wait $program
    code=$?
    end_sampler
    [ -z "$conditions" ] || read_conditions conditions_after
    # What waits for a status asks whether there is a file.
    write status.partial $code && mv "$job/status.partial" "$job/status"
}

# read_conditions FILE: a failure is recorded in the file itself
read_conditions() {
    sh "${0%/*}/probe.sh" conditions >"$job/$1" || echo "!all=probe.sh failed" >>"$job/$1"
}

# $beside holds only names and numbers that the harness chose, so it may be split.
start_sampler() {
    set -f
    # shellcheck disable=SC2086 # $beside holds several arguments
    sh "${0%/*}/sampler.sh" "$job" "$program" $beside </dev/null >/dev/null 2>&1 &
    set +f
    sampler=$!
    write sampler_pid_started "$(start_time $sampler)"
    write sampler_pid $sampler
}

# KILL, because the sampler has nothing to clean up, and mksh would react to TERM only after its `sleep`.
end_sampler() {
    ! is_running sampler_pid || kill -KILL "$pid" 2>/dev/null
}

wait_again() {
    # The program may just be starting, and the status of an ended one appears a moment later.
    patience=3
    while [ ! -e "$job/status" ] && [ $patience -gt 0 ]; do
        is_running pid || is_running supervisor_pid || patience=$((patience - 1))
        sleep 1
    done
    print_status
}

is_same_job() {
    value supervisor_pid_started
    [ "$value" = "$supervisor" ]
}

# Returns when no process of the job can write to its folder any more; prints `ended` where one still ran. The next job
# may begin in the same folder meanwhile: a supervisor that started at another time is another job's.
stop() {
    [ ! -d "$job" ] || : >"$job/stopped"
    ended=
    value supervisor_pid_started
    supervisor=$value
    for signal in TERM TERM TERM TERM TERM KILL KILL; do
        is_same_job || break
        if is_running pid; then kill -$signal "$pid" 2>/dev/null; else is_running supervisor_pid || break; fi
        ended=ended
        sleep 1
    done
    [ -z "$ended" ] || echo "$ended"
    is_same_job || return 0
    ! is_running supervisor_pid || kill -KILL "$pid" 2>/dev/null
    end_sampler
}

command=$1
job=$2
[ -n "$job" ] || fail "usage: start JOBDIR -- ARGV..., wait JOBDIR or stop JOBDIR"
case $command in
start | supervise)
    shift 2
    beside=
    conditions=
    [ "$1" != --conditions ] || { conditions=$1 && shift; }
    [ "$1" != --beside ] || { beside=$2 && shift 2; }
    [ "$1" = -- ] && [ $# -gt 1 ] || fail "$command needs: JOBDIR -- ARGV..."
    shift
    $command "$@"
    ;;
wait) wait_again ;;
stop) stop ;;
*) fail "unknown command: $command" ;;
esac
