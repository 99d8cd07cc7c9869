#!/bin/sh
# Samples a program from a separate process until the program ends. launch.sh starts and ends the sampler.
#   sampler.sh JOBDIR PID conditions PERIOD MASK   clocks and temperatures, every PERIOD seconds, to JOBDIR/samples
#   sampler.sh JOBDIR PID lock                     nothing; like `conditions`, renews the lock on the device
#   sampler.sh JOBDIR PID memory                   the last output of Android's dumpsys meminfo, to JOBDIR/meminfo
# MASK (hexadecimal) names the cores to stay on, 0 any. Sampling reads with the shell's own `read`: it starts no
# process but `sleep`. Lines of JOBDIR/samples:
#   cpus_allowed LIST   core N (each whose clock is read)   zone INDEX TYPE (each whose temperature is read)
#   left_out COUNT (further such zones)
#   sample UPTIME KHZ,KHZ,... MILLIDEGREES,...    in that order; `_` cannot be read, `?` is not a number
# HARNESS_PROBE_ROOT puts a recorded file tree in the place of /, for tests; never before /proc.
root=${HARNESS_PROBE_ROOT:-}
cpus=$root/sys/devices/system/cpu
sensors=$root/sys/class
# Reading all sensors of a phone, up to a hundred, would disturb the program.
most_zones=16

# value FILE: its first line in $REPLY
value() {
    REPLY=
    { IFS= read -r REPLY <"$1" || [ -n "$REPLY" ]; } 2>/dev/null
}

# number FILE: its number in $REPLY, or a mark
number() {
    value "$1" || REPLY=_
    case $REPLY in _ | [0-9]* | -[0-9]*) ;; *) REPLY='?' ;; esac
    case ${REPLY#-} in _ | '?') ;; *[!0-9]*) REPLY='?' ;; esac
}

stay_on() {
    [ "$1" = 0 ] || taskset -p "$1" $$ >/dev/null 2>&1
    # Report what the kernel shows: taskset may be missing.
    while IFS=':' read -r name list; do
        [ "$name" != Cpus_allowed_list ] || echo "cpus_allowed ${list#?}"
    done 2>/dev/null <"/proc/$$/status"
}

# indices PREFIX, as in probe.sh: the numbers of PREFIX0, PREFIX1, ... also in a folder that cannot be listed
most_asked=128
indices() {
    indices=
    for entry in "$1"[0-9]*; do
        [ ! -e "$entry" ] || indices="$indices ${entry#"$1"}"
    done
    [ -z "$indices" ] && [ -d "${1%/*}" ] || return 0
    index=0
    while [ $index -lt $most_asked ]; do
        [ ! -e "$1$index" ] || indices="$indices $index"
        index=$((index + 1))
    done
}

# choose_cores: the file of each core's clock in $clocks, of cpufreq's policy where the core has no folder of its own
choose_cores() {
    indices "$cpus/cpufreq/policy"
    policies=
    for index in $indices; do policies="$policies cpufreq/policy$index"; done
    indices "$cpus/cpu"
    for index in $indices; do
        # Kernels before 4.3 have the policies' folders at the first of their cores.
        [ ! -d "$cpus/cpu$index/cpufreq" ] || [ -L "$cpus/cpu$index/cpufreq" ] || policies="$policies cpu$index/cpufreq"
    done
    for index in $indices; do
        clock=cpu$index/cpufreq/scaling_cur_freq
        [ -e "$cpus/$clock" ] || policy_clock "$index" || continue
        clocks="$clocks $clock"
        echo "core $index"
    done
}

# policy_clock CORE: the clock of the policy that lists the core among those on line
policy_clock() {
    for policy in $policies; do
        value "$cpus/$policy/affected_cpus" || continue
        clock=$policy/scaling_cur_freq
        case " $REPLY " in *" $1 "*) [ ! -e "$cpus/$clock" ] || return 0 ;; esac
    done
    return 1
}

# is_temperature TYPE FIGURE: false for charge, voltage, current and constants, which need not be sampled. What passes
# is judged again on the host, by harness/devices/thermal_zones.py: this may let more pass, and nothing less.
is_temperature() {
    case $1 in
    [Ss][Oo][Cc]) case $2 in ? | ?? | 100) return 1 ;; esac ;;
    [Pp][Mm][Ii][Cc]-[Dd][Ii][Ee]) [ "$2" != 100000 ] || return 1 ;;
    esac
    case -$1- in
    *[-_][VvIi][Bb][Aa][Tt]* | *[-_][VvIi][Bb][Uu][Ss]* | *[-_][VvIi][Pp][Hh]* | *[-_][Vv][Dd][Dd]*) return 1 ;;
    *[-_]ocp[-_]* | *[-_]batoilo* | *[-_]smpl[-_]* | *[-_]vdroop* | *[-_]uvlo*) return 1 ;;
    *[-_]volt[-_]* | *[-_]volts[-_]* | *[-_]voltage[-_]* | *[-_]voltages[-_]*) return 1 ;;
    *[-_]socd[-_]* | *[-_]bcl[-_]* | *[-_]lvl[0-9]* | *[-_]current[-_]*) return 1 ;;
    esac
}

# is_of_cores TYPE, as harness/analysis/temperatures.py
is_of_cores() {
    case $1 in
    *[Cc][Pp][Uu]* | *[Ss][Oo][Cc]* | *tsens* | x86_pkg* | *coretemp* | *k10temp* | *zenpower* | *bcm2[0-9][0-9][0-9]* | *cluster*) ;;
    [Bb][Ii][Gg]* | [Mm][Ii][Dd]* | [Ll][Ii][Tt][Tt][Ll][Ee]*) ;;
    *) return 1 ;;
    esac
}

# choose any|cores INDEX FILE TYPE: sample the temperature in a file, or only one that is named after cores
choose() {
    value "$sensors/$3" || return
    is_temperature "$4" "$REPLY" || return
    [ "$1" = any ] || is_of_cores "$4" || return
    if [ "$count" -ge $most_zones ]; then
        left_out=$((left_out + 1))
        return
    fi
    count=$((count + 1))
    zones="$zones $3"
    echo "zone $2 $4"
}

# choose_zones any: all zones that can be read; choose_zones cores: only those named after cores
choose_zones() {
    indices "$sensors/thermal/thermal_zone"
    for index in $indices; do
        value "$sensors/thermal/thermal_zone$index/type" || REPLY=unnamed
        choose "$1" "$index" "thermal/thermal_zone$index/temp" "$REPLY"
    done
}

# choose_chips any|cores: the sensors of hwmon, for kernels without zones of the cores, or without any
choose_chips() {
    for file in "$sensors"/hwmon/hwmon*/temp*_input "$sensors"/hwmon/hwmon*/device/temp*_input; do
        file=${file#"$sensors/"}
        chip=${file%/*} sensor=${file##*/}
        index=${chip%/device}
        [ "$index" = "$chip" ] || [ ! -e "$sensors/$index/$sensor" ] || continue
        sensor=${sensor%_input}
        value "$sensors/$chip/name" || REPLY=unnamed
        name=$REPLY
        value "$sensors/$chip/${sensor}_label" || REPLY=$sensor
        choose "$1" "${index#*/}.${sensor#temp}" "$file" "$name $REPLY"
    done
}

# A long program keeps its harness's lock on the device fresh: see harness/devices/device_lock.py.
lock=${1%/jobs/*}/lock/renewed
lock_period=60
renew_lock() {
    [ ! -e "$lock" ] || { value /proc/uptime && echo "$REPLY" >"$lock"; } 2>/dev/null
}

keep_lock() {
    while [ -d "/proc/$program" ]; do
        renew_lock
        sleep "$lock_period"
    done
}

sample() {
    value "$root/proc/uptime" || REPLY='? '
    line="sample ${REPLY%% *} "
    comma=
    for clock in $clocks; do
        number "$cpus/$clock"
        line=$line$comma$REPLY
        comma=,
    done
    line="$line "
    comma=
    for zone in $zones; do
        number "$sensors/$zone"
        line=$line$comma$REPLY
        comma=,
    done
    echo "$line"
}

conditions() {
    period=$1
    exec >"$job/samples" || exit 1
    stay_on "$2"
    clocks='' zones='' count=0 left_out=0
    choose_cores
    for choice in "zones cores" "chips cores" "zones any" "chips any"; do
        [ $count -gt 0 ] || "choose_${choice% *}" "${choice#* }"
    done
    [ $left_out = 0 ] || echo "left_out $left_out"
    # What is sampled rarely, or not at all, still holds the device.
    [ -n "$clocks$zones" ] || { [ -n "$3" ] && keep_lock; } || exit 0
    while [ -d "/proc/$program" ]; do
        sample
        renew_lock
        sleep "$period" 2>/dev/null || sleep 1 || exit 1
    done
}

memory() {
    command -v dumpsys >/dev/null 2>&1 || exit 0
    while [ -d "/proc/$program" ]; do
        dumpsys meminfo "$program" >"$job/meminfo.partial" 2>/dev/null &&
            [ -d "/proc/$program" ] && mv "$job/meminfo.partial" "$job/meminfo"
        sleep 0.2 2>/dev/null || sleep 1 || exit 1
    done
}

job=$1
program=$2
case $3 in
conditions) conditions "${4:-1}" "${5:-0}" "${6:-}" ;;
lock) keep_lock ;;
memory) memory ;;
*)
    echo "usage: sampler.sh JOBDIR PID conditions PERIOD MASK [lock] | lock | memory" >&2
    exit 2
    ;;
esac
