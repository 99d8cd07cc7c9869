#!/bin/sh
# Runs a program between two idle windows, while a sensor of power or energy is read. For mksh with toybox, busybox,
# dash.
#   energy.sh sources     the sensors that there are, a line each:
#                         rails FILE yes|denied   perfetto yes   pmic yes|none|denied   hwmon FILE NAME LABEL
#                         battery FOLDER STATUS|denied (of all supplies: none may be seen)
#   energy.sh run JOBDIR SOURCE IDLE_SECONDS PERIOD MASK -- ARGV...
#                         SOURCE: rails, perfetto, pmic, hwmon, battery or none
#                         launch.sh starts it as the job's program; its exit code is that of ARGV
# JOBDIR/windows gets `idle_before BEGIN END` and `idle_after BEGIN END`, in seconds of the device's uptime.
# JOBDIR/readings gets the sensor's values, each PERIOD seconds, read with the shell's own `read`:
#   file INDEX PATH     at the beginning
#   at UPTIME           begins a reading   INDEX LINE   a line of that file, `!` if it cannot be read   .   ends it
# With perfetto, JOBDIR/readings gets its trace instead, which Android's power HAL fills each PERIOD seconds.
# MASK (hexadecimal) names the cores that the reading stays on, 0 any.
# HARNESS_PROBE_ROOT puts a recorded file tree in the place of /, for tests; never before /proc.
# shellcheck disable=SC2030,SC2031 # each subshell reads into its own
root=${HARNESS_PROBE_ROOT:-}
supplies=$root/sys/class/power_supply
# No device has more; a folder of thousands would be read for minutes.
most_files=64

# value FILE: its first line in $REPLY
value() {
    REPLY=
    { IFS= read -r REPLY <"$1" || [ -n "$REPLY" ]; } 2>/dev/null
}

# uptime: CLOCK_BOOTTIME, as the runner reports its beginning, in $REPLY
uptime() {
    value /proc/uptime
    REPLY=${REPLY%% *}
}

# batteries: the folders of supplies that discharge, one a line; a charger is none. Where the names are hidden, those
# of phones are tried.
batteries() {
    set -- "$supplies"/*
    [ -e "$1" ] || set -- "$supplies/battery" "$supplies/bms"
    for supply; do
        value "$supply/type" && [ "$REPLY" = Battery ] || continue
        # A mouse or a pen has a battery, too.
        value "$supply/scope" && [ "$REPLY" = Device ] && continue
        [ -e "$supply/current_now" ] && [ -e "$supply/voltage_now" ] && echo "$supply"
    done
}

# Kernels before 3.13 have a chip's files in the folder of its device.
hwmon_files() {
    for chip in "$root"/sys/class/hwmon/hwmon*; do
        for folder in "$chip" "$chip/device"; do
            found=
            for file in "$folder"/power[0-9]*_input "$folder"/energy[0-9]*_input; do
                [ ! -e "$file" ] || { echo "$file" && found=yes; }
            done
            [ -z "$found" ] || break
        done
    done
}

# The only folder that Android lets perfetto write to and a shell read from.
traces=$root/data/misc/perfetto-traces

# trace FILE MILLISECONDS PERIOD: begin a trace of the power rails, with its process in $tracing
trace() {
    case $3 in
    0.*) every=250 ;;
    *) every=$((${3%%.*} * 1000)) ;;
    esac
    rm -f "$1"
    # Through a pipe: what stands behind << is a file in mksh, and AOSP's sepolicy (private/perfetto.te) lets perfetto
    # read a shell's pipe, but none of its files.
    {
        echo 'buffers { size_kb: 4096 fill_policy: RING_BUFFER }'
        echo 'data_sources { config { name: "android.power"'
        echo "android_power_config { battery_poll_ms: $every collect_power_rails: true } } }"
        echo "duration_ms: $2"
    } | perfetto --txt -c - -o "$1" >/dev/null 2>&1 &
    tracing=$!
}

# await_trace SECONDS: until perfetto ends; one that hangs is killed
await_trace() {
    {
        # Short ones, so that none is left for long.
        waits=0
        while [ $waits -lt "$1" ] && sleep 1; do waits=$((waits + 1)); done
        kill -KILL "$tracing"
    } </dev/null >/dev/null 2>&1 &
    watching=$!
    wait "$tracing" 2>/dev/null
    kill -TERM $watching 2>/dev/null
    tracing=
}

# Whether perfetto traces rails here: many phones have the program, and few a chip that counts.
traces_rails() {
    [ -d "$traces" ] && command -v perfetto >/dev/null 2>&1 || return 1
    probe=$traces/harness-probe-$$
    trace "$probe" 1000 0.25
    await_trace 10
    grep -q _VDD_ "$probe" 2>/dev/null
    found=$?
    rm -f "$probe"
    return $found
}

sources() {
    counted=
    for file in "$root"/sys/bus/iio/devices/iio:device*/energy_value; do
        [ -e "$file" ] || continue
        if value "$file"; then may=yes counted=yes; else may=denied; fi
        echo "rails ${file#"$root"} $may"
    done
    if [ -z "$counted" ] && traces_rails; then echo "perfetto yes"; fi
    if command -v vcgencmd >/dev/null 2>&1; then
        case $(vcgencmd pmic_read_adc 2>/dev/null) in
        *current*) echo "pmic yes" ;;
        "") echo "pmic denied" ;;
        *) echo "pmic none" ;; # the firmware of a Raspberry Pi 4: "Command not registered"
        esac
    fi
    hwmon_files | while IFS= read -r file; do
        value "${file%/*}/name" || REPLY=unnamed
        name=$REPLY
        value "${file%_input}_label" || REPLY=
        echo "hwmon ${file#"$root"} $name $REPLY"
    done
    if [ -d "$supplies" ] && ! ls "$supplies" >/dev/null 2>&1 && [ -z "$(batteries)" ]; then
        echo "battery ${supplies#"$root"} denied"
    fi
    batteries | while IFS= read -r supply; do
        status=denied
        if value "$supply/current_now" && value "$supply/voltage_now"; then
            value "$supply/status" || REPLY=unknown
            status=$REPLY
        fi
        echo "battery ${supply#"$root"} $status"
    done
}

# files SOURCE: what is read, one a line
files() {
    case $1 in
    rails) for file in "$root"/sys/bus/iio/devices/iio:device*/energy_value; do echo "$file"; done ;;
    hwmon) hwmon_files ;;
    battery) batteries | while IFS= read -r supply; do
        for name in status current_now voltage_now; do echo "$supply/$name"; done
    done ;;
    esac
}

# lines INDEX: standard input with the index before each line, or a mark where there is none
lines() {
    any=
    while IFS= read -r line || [ -n "$line" ]; do
        echo "$1 $line"
        any=yes
    done
    [ -n "$any" ] || echo "$1 !"
}

reading() {
    uptime
    echo "at $REPLY"
    if [ "$source" = pmic ]; then
        vcgencmd pmic_read_adc 2>/dev/null | lines 0
    fi
    index=0
    # The names are split at newlines alone.
    for file in $list; do
        lines $index 2>/dev/null <"$file" || echo "$index !"
        index=$((index + 1))
    done
    echo .
}

# meter JOBDIR SOURCE PERIOD MASK PID: reads until the process ends, or until it is killed
meter() {
    source=$2 program=$5
    exec >"$1/readings" 2>/dev/null || exit 1
    [ "$4" = 0 ] || taskset -p "$4" $$ >/dev/null 2>&1
    list=$(files "$source" | head -n $most_files)
    set -f
    IFS='
'
    index=0
    for file in $list; do
        echo "file $index ${file#"$root"}"
        index=$((index + 1))
    done
    while [ -d "/proc/$program" ]; do
        reading
        sleep "$3" || sleep 1 || exit 1
    done
}

# idle NAME SECONDS: wait, and write down when; $! so that TERM is answered at once
idle() {
    uptime
    began=$REPLY
    sleep "$2" &
    waited=$!
    wait $waited
    uptime
    echo "$1 $began $REPLY" >>"$job/windows"
}

end_meter() {
    [ -z "$metered" ] || kill -KILL "$metered" 2>/dev/null
    [ -z "$tracing" ] || kill -KILL "$tracing" 2>/dev/null
    [ "$source" != perfetto ] || rm -f "$traces/harness-$$"
}

# save_trace: perfetto writes its file when it is asked to end
save_trace() {
    kill -TERM "$tracing" 2>/dev/null
    await_trace 20
    cat "$traces/harness-$$" >"$job/readings" 2>/dev/null
}

ended() {
    [ -z "$program" ] || kill -TERM "$program" 2>/dev/null
    [ -z "$waited" ] || kill -TERM "$waited" 2>/dev/null
    end_meter
    exit 143
}

run() {
    job=$1 source=$2 idle_seconds=$3 period=$4 mask=$5
    shift 6
    program='' waited='' metered='' tracing=''
    trap ended TERM
    if [ "$source" = perfetto ]; then
        # Half an hour, should this script be killed: no run takes longer.
        trace "$traces/harness-$$" 1800000 "$period"
    elif [ "$source" != none ]; then
        sh "$0" meter "$job" "$source" "$period" "$mask" $$ </dev/null >/dev/null 2>&1 &
        metered=$!
    fi
    idle idle_before "$idle_seconds"
    "$@" &
    program=$!
    wait $program
    code=$?
    program=
    [ $code != 0 ] || idle idle_after "$idle_seconds"
    [ -z "$tracing" ] || save_trace
    end_meter
    exit $code
}

command=$1
case $command in
sources) sources ;;
run | meter)
    shift
    [ "$command" = meter ] || { [ "$6" = -- ] && [ $# -gt 6 ]; } || {
        echo "usage: energy.sh run JOBDIR SOURCE IDLE_SECONDS PERIOD MASK -- ARGV..." >&2
        exit 2
    }
    $command "$@"
    ;;
*)
    echo "usage: energy.sh sources | run JOBDIR SOURCE IDLE_SECONDS PERIOD MASK -- ARGV..." >&2
    exit 2
    ;;
esac
