#!/bin/sh
# Starts a program as Android starts an app in some state: sh task_profile.sh JOBDIR PROFILE ARGV...
# First settaskprofile (Android 13 and later) moves this process to the profile's control groups, then it becomes the
# program, whose threads start in them. Written to JOBDIR/task_profile, where both are read from the kernel:
#   code=N, answer=TEXT   what settaskprofile ended with and printed last; !answer=reason: it could not be started
#   cpuset_before, cpuset_after, cgroup_before, cgroup_after   as in /proc/self; the lines of cgroup joined by blanks
#   uclamp_min, uclamp_max   of the group of the controller `cpu` that the process is in then
# An aggregate profile reports success even if it could join none of its groups (ApplyProfileAction in AOSP's
# system/core/libprocessgroup/task_profiles.cpp), so only what is read afterwards says what took hold.
# HARNESS_PROBE_ROOT puts a file tree in the place of /, for tests.
root=${HARNESS_PROBE_ROOT:-}
[ -z "$root" ] || PATH=$root/bin:$PATH

report() { printf '%s=%s\n' "$1" "$2"; }
cannot() { printf '!%s=%s\n' "$1" "$2"; }

# value KEY FILE: reports its first line
value() {
    if { IFS= read -r REPLY <"$2"; } 2>/dev/null; then report "$1" "$REPLY"; else cannot "$1" "cannot read $2"; fi
}

# read_groups before|after: this shell's, with its own `read`: /proc/self of another program would be that program's
read_groups() {
    value "cpuset_$1" "$root/proc/self/cpuset"
    groups=
    while IFS= read -r line; do
        groups="$groups${groups:+ }$line"
        # NUMBER:CONTROLLER,CONTROLLER:/GROUP
        case ,${line#*:} in *,cpu:* | *,cpu,*) cpu=${line#*:} && cpu=${cpu#*:} ;; esac
    done 2>/dev/null <"$root/proc/self/cgroup"
    if [ -n "$groups" ]; then report "cgroup_$1" "$groups"; else cannot "cgroup_$1" "cannot read /proc/self/cgroup"; fi
}

apply() {
    if ! command -v settaskprofile >/dev/null 2>&1; then
        cannot answer "the device has no settaskprofile, as Android has from release 13 on"
        return
    fi
    answer=$(settaskprofile $$ "$1" 2>&1 </dev/null)
    report code $?
    report answer "${answer##*"$newline"}"
}

newline='
'
cpu=
job=$1 profile=$2
[ $# -gt 2 ] && [ -d "$job" ] || {
    echo "usage: task_profile.sh JOBDIR PROFILE ARGV..." >&2
    exit 2
}
shift 2
{
    read_groups before
    apply "$profile"
    cpu=
    read_groups after
    for bound in min max; do value "uclamp_$bound" "$root/dev/cpuctl${cpu%/}/cpu.uclamp.$bound"; done
} >"$job/task_profile"
exec "$@"
