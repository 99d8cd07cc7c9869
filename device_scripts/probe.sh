#!/bin/sh
# Facts and conditions of the device it runs on, as key=value lines on standard output.
# What cannot be read is reported as !key=reason. Needs only what toybox and busybox both have.
#   probe.sh facts FOLDER      what does not change while measuring; FOLDER is where pushed files will go
#   probe.sh conditions        what could distort a measurement, read in a few milliseconds
# HARNESS_PROBE_ROOT puts a recorded file tree in the place of / (its bin/ in front of PATH), for tests.
root=${HARNESS_PROBE_ROOT:-}
[ -z "$root" ] || PATH=$root/bin:$PATH
cpus=$root/sys/devices/system/cpu

report() { printf '%s=%s\n' "$1" "$2"; }
cannot() { printf '!%s=%s\n' "$1" "$2"; }

# value FILE: its first line in $REPLY, without starting a process; fails when it cannot be read or is empty.
value() {
    REPLY=
    [ -r "$1" ] || return 1
    { IFS= read -r REPLY <"$1"; } 2>/dev/null
    [ -n "$REPLY" ]
}

# report_file KEY FILE
report_file() {
    if value "$2"; then
        report "$1" "$REPLY"
    elif [ -e "$2" ]; then
        cannot "$1" "permission denied or unreadable: ${2#"$root"}"
    else cannot "$1" "no ${2#"$root"}"; fi
}

# report_text KEY TEXT REASON: a name, which is missing where it is blank or a placeholder
report_text() {
    text=${2# }
    text=${text% }
    if is_name "$text"; then report "$1" "$text"; else cannot "$1" "$3"; fi
}

# is_name TEXT: false for what firmware has in the place of a name
is_name() {
    case $1 in
    '' | ' ' | unknown* | Unknown* | UNKNOWN | none | None | null | [Nn]/[Aa] | empty) return 1 ;;
    invalid | Invalid | INVALID | undefined | Undefined) return 1 ;;
    "Not "[ADS]*ed | "Not Applicable" | "Not Available" | OEM | O.E.M. | SKU | x.x) return 1 ;;
    "To "[Bb]"e "[Ff]"illed "* | "Default string" | "Default String" | "System Product Name" | "Product Name" | "System Version") return 1 ;;
    esac
}

# indices PREFIX: the numbers of PREFIX0, PREFIX1, ... in $indices. As with the cores, the folder may be searchable
# and not listable: then ask one by one.
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

property() { getprop "$1" 2>/dev/null; }

# memory_field KEY NAME: kibibytes, unconverted: Android's mksh calculates in 32 bits
memory_field() {
    while read -r name number _; do
        if [ "$name" = "$2:" ]; then
            report "$1" "$number"
            return
        fi
    done 2>/dev/null <"$root/proc/meminfo"
    cannot "$1" "no $2 in /proc/meminfo"
}

# memory_limits: of the control group (a container) that this runs in, and of all above it; `max` is none. For
# version 2 and 1: Documentation/admin-guide/cgroup-v2.rst, cgroup-v1/memory.rst
memory_limits() {
    level=0
    while IFS=: read -r _ controllers group; do
        case ,$controllers, in
        ,,) file=memory.max folder=$root/sys/fs/cgroup ;;
        *,memory,*) file=memory.limit_in_bytes folder=$root/sys/fs/cgroup/memory ;;
        *) continue ;;
        esac
        # In a container the group's path may be the host's, while its own group is mounted at the top.
        while :; do
            value "$folder$group/$file" && report "memory_limit.$level" "$REPLY"
            level=$((level + 1))
            case $group in */*[!/]*) group=${group%/*} ;; '') break ;; *) group= ;; esac
        done
    done 2>/dev/null <"$root/proc/self/cgroup"
}

# dump SERVICE: what it prints; one that hangs, for which dumpsys waits 10 s, must not take the others with it
most_seconds=5
dump() {
    if [ -n "$bounded" ]; then timeout $most_seconds dumpsys "$1"; else dumpsys "$1"; fi 2>/dev/null
}

# find_dumped TEXT SEPARATOR NAME: in $found the value after the name and its separator in dumpsys's output TEXT. The
# text may be longer than a program's argument can be, so use echo, which is built in everywhere.
find_dumped() {
    found=$(echo "$1" | while IFS=$2 read -r name text; do
        name=${name#"${name%%[! 	]*}"}
        if [ "$name" = "$3" ]; then
            echo "${text# }"
            break
        fi
    done)
}

# dumped KEY TEXT SEPARATOR NAME
dumped() {
    find_dumped "$2" "$3" "$4"
    if [ -n "$found" ]; then report "$1" "$found"; else cannot "$1" "dumpsys does not report it"; fi
}

# half_precision: whether XNNPACK computes in 16-bit floats here (its xnn_is_f16_compatible_config); where not, it
# silently computes such programs in 32 bits. For each core the kernel lists the features that all cores share.
# With the exceptions of pytorch/cpuinfo, which XNNPACK asks (src/arm/linux/aarch64-isa.c): of the Exynos 9810 only
# the little cores have them; old kernels do not list them for cores that do, of which the last one counts.
half_precision() {
    answer='' last=''
    while IFS=':' read -r name text; do
        case $name in
        Features*) case " $text " in *" asimdhp "*"fphp "* | *" fphp "*"asimdhp "*) answer=yes ;; *) answer=no ;; esac ;;
        flags*) case " $text " in *" avx2 "*"f16c "* | *" f16c "*"avx2 "*) answer=yes ;; *) answer=no ;; esac ;;
        "CPU implementer"*) last=${text# } ;;
        "CPU part"*) last=$last:${text# } ;;
        esac
    done 2>/dev/null <"$root/proc/cpuinfo"
    case $last in
    0x41:0xd0[56abcde] | 0x41:0xd40 | 0x41:0xd49 | 0x41:0xd4f | 0x48:0xd40 | 0x51:0x80[2345] | 0x53:0x00[34]) answer=yes ;;
    esac
    case $last in 0x*) ! is_exynos_9810 || answer=no ;; esac
    if [ -n "$answer" ]; then report half_precision $answer; else cannot half_precision "no features in /proc/cpuinfo"; fi
}

is_exynos_9810() {
    chips=
    for name in ro.hardware.chipname ro.chipname ro.board.platform ro.product.board ro.arch ro.soc.model; do
        chips="$chips $(property $name)"
    done
    while IFS=':' read -r name text; do
        case $name in Hardware*) chips="$chips $text" ;; esac
    done 2>/dev/null <"$root/proc/cpuinfo"
    case $chips in *[Ee][Xx][Yy][Nn][Oo][Ss]9810* | *[Ee][Xx][Yy][Nn][Oo][Ss]" 9810"* | *universal9810*) return 0 ;; esac
    return 1
}

# cores_in_cpuinfo: implementer and part of each core, for kernels whose sysfs has no MIDR. Before 3.19, kernels list
# all cores and then the fields of one, that on which this runs: `cpus` stands for it.
cores_in_cpuinfo() {
    core='' listed=''
    while IFS=':' read -r name text; do
        case $name in
        processor*)
            core=${text# }
            [ -z "$listed" ] || core=s
            listed=yes
            ;;
        '') core='' listed='' ;;
        *) listed= ;;
        esac
        case $core in '' | *[!0-9s]*) continue ;; esac
        case $name in
        "CPU implementer"*) report "cpu$core.implementer" "${text# }" ;;
        "CPU part"*) report "cpu$core.part" "${text# }" ;;
        esac
    done 2>/dev/null <"$root/proc/cpuinfo"
}

# page_size: of the first mapping of this shell; Android has no getconf before its release 9
page_size() {
    while read -r name number _; do
        if [ "$name" = KernelPageSize: ]; then
            report page_size_kib "$number"
            return
        fi
    done 2>/dev/null <"$root/proc/self/smaps"
    cannot page_size_kib "no KernelPageSize in /proc/self/smaps"
}

# is_android: Linux on Android's drivers (Sailfish OS, Ubuntu Touch) may have a getprop that answers, and an os-release
is_android() {
    [ ! -e "$root/etc/os-release" ] && [ ! -e "$root/usr/lib/os-release" ] || return 1
    [ -n "$(android_release)$(property ro.product.cpu.abilist)" ]
}

# android_release: HyperOS leaves the usual property empty
android_release() {
    for name in ro.build.version.release ro.system.build.version.release ro.product.build.version.release; do
        REPLY=$(property $name)
        [ -z "$REPLY" ] || break
    done
    echo "$REPLY"
}

# cpuinfo_field NAME: the first such field in $REPLY; fails where there is none
cpuinfo_field() {
    while IFS=':' read -r name text; do
        name=${name%"${name##*[! 	]}"}
        REPLY=${text# }
        [ "$name" != "$1" ] || return 0
    done 2>/dev/null <"$root/proc/cpuinfo"
    REPLY=
    return 1
}

# model: a container often hides the device tree; a Raspberry Pi's kernel also has its model in /proc/cpuinfo.
model() {
    for file in proc/device-tree/model sys/firmware/devicetree/base/model sys/class/dmi/id/product_name; do
        value "$root/$file" && is_name "$REPLY" && return
    done
    cpuinfo_field Model || cpuinfo_field Hardware
}

# soc: the last of the device tree's names that is a chip's: they go from the board to its chip and its family.
soc() {
    found=
    for file in proc/device-tree/compatible sys/firmware/devicetree/base/compatible; do
        [ -z "$found" ] && [ -r "$root/$file" ] || continue
        found=$(tr '\000' '\n' <"$root/$file" 2>/dev/null | while read -r name; do
            case $name in *,*-platform) ;; *,*) echo "$name" ;; esac
        done)
    done
    REPLY=${found##*"
"}
    [ -z "$REPLY" ] || return 0
    value "$root/sys/devices/soc0/soc_id" || return 1
    id=$REPLY
    value "$root/sys/devices/soc0/family"
    REPLY="$REPLY $id"
}

# operating_system: see os-release(5)
operating_system() {
    pretty='' name='' version=''
    for file in etc/os-release usr/lib/os-release; do
        [ -r "$root/$file" ] || continue
        while IFS='=' read -r key text || [ -n "$key" ]; do
            case $text in \"*\" | \'*\') text=${text#?} text=${text%?} ;; esac
            case $key in
            PRETTY_NAME) pretty=$text ;;
            NAME) name=$text ;;
            VERSION) version=$text ;;
            esac
        done <"$root/$file"
        break
    done
    REPLY=${pretty:-$name${version:+ $version}}
}

# userland_bits: the word size of this system's programs: a 64-bit kernel may carry a 32-bit userland
userland_bits() {
    bits=$(getconf LONG_BIT 2>/dev/null)
    # The fifth byte of an ELF file is its class.
    if [ -z "$bits" ]; then
        case $(head -c 5 /proc/self/exe 2>/dev/null | tail -c 1) in
        "$(printf '\001')") bits=32 ;;
        "$(printf '\002')") bits=64 ;;
        esac
    fi
    if [ -n "$bits" ]; then report userland_bits "$bits"; else cannot userland_bits "getconf does not report it"; fi
}

# free_space FOLDER: of df's line the number before the percentage, as names on both sides may hold blanks. On a file
# system that is fuller than this user may fill it, the number is negative.
free_space() {
    last=
    free=$(df -k "$1" 2>/dev/null | {
        while IFS= read -r line; do last=$line; done
        set -f
        # shellcheck disable=SC2086 # the words of the line are wanted
        set -- $last
        while [ $# -gt 3 ]; do
            # A file system of no size, such as /proc, has no free space to report.
            case $1$2${3#-} in *[!0-9]*) ;; *) case $4 in [0-9]*% | -)
                [ "$1" = 0 ] || case $3 in -*) echo 0 ;; *) echo "$3" ;; esac
                break
                ;;
            esac ;; esac
            shift
        done
    })
    if [ -n "$free" ]; then report free_kib "$free"; else cannot free_kib "df failed"; fi
}

# throttling: the flags of a Raspberry Pi's firmware, from vcgencmd or sysfs; else the kernel's under-voltage alarm,
# which is their bit 0 (drivers/hwmon/raspberrypi-hwmon.c). Some kernels' file in sysfs is always 0
# (raspberrypi/linux#2367): then the alarm counts, too.
throttling() {
    reason='' none=''
    # Older systems have it off the PATH.
    for program in vcgencmd "$root/opt/vc/bin/vcgencmd"; do
        command -v "$program" >/dev/null 2>&1 || continue
        flags=$("$program" get_throttled 2>/dev/null)
        case $flags in throttled=0x*)
            report throttled_flags "${flags#throttled=}"
            return
            ;;
        esac
        reason="vcgencmd get_throttled failed"
    done
    for file in "$root"/sys/devices/platform/*/*firmware/get_throttled "$root"/sys/devices/platform/*firmware/get_throttled; do
        [ -e "$file" ] || continue
        value "$file" && case ${REPLY#0x} in '' | *[!0-9a-fA-F]*) ;; *[!0]*)
            report throttled_flags "0x${REPLY#0x}"
            return
            ;;
        *)
            none=yes
            continue
            ;;
        esac
        reason="permission denied or unreadable: ${file#"$root"}"
    done
    for folder in "$root"/sys/class/hwmon/hwmon*; do
        value "$folder/name" && [ "$REPLY" = rpi_volt ] || continue
        if value "$folder/in0_lcrit_alarm" && [ "$REPLY" = 1 ]; then
            report throttled_flags 0x1
            return
        fi
        reason="${reason:-no vcgencmd}; hwmon reports under-voltage only"
    done
    if [ -n "$none" ]; then
        report throttled_flags 0x0
        return
    fi
    if [ -z "$reason" ] && model; then
        case $REPLY in *"Raspberry Pi"*) reason="no vcgencmd, and no get_throttled in sysfs" ;; esac
    fi
    [ -z "$reason" ] || cannot throttled_flags "$reason"
}

# find_cpus: the number after the highest core's index in $cpu_count. The folder of the cores may be searchable
# and not listable (mode 711, seen in Termux): so ask the kernel's lists first.
most_cpus=1024
find_cpus() {
    cpu_count=0
    for list in present online possible; do
        # A virtual machine's possible cores are often far more than its present ones.
        [ "$list" != possible ] || [ ! -r "$cpus/present" ] || break
        value "$cpus/$list" || continue
        REPLY=${REPLY##*[!0-9]}
        case $REPLY in '' | ?????*) continue ;; esac
        [ "$REPLY" -lt "$cpu_count" ] || cpu_count=$((REPLY + 1))
    done
    while [ -d "$cpus/cpu$cpu_count" ]; do cpu_count=$((cpu_count + 1)); done
    [ "$cpu_count" -le $most_cpus ] || cpu_count=$most_cpus
}

# is_online INDEX: whether the kernel lists the core in $online; true where there is no list
is_online() {
    [ -n "$online" ] || return 0
    left=$online,
    while [ -n "$left" ]; do
        range=${left%%,*}
        left=${left#*,}
        case $range in '' | *[!0-9-]*) continue ;; esac
        [ "$1" -lt "${range%%-*}" ] || [ "$1" -gt "${range##*-}" ] || return 0
    done
    return 1
}

# find_policies: cpufreq's policies in $policies; kernels before 4.3 have their folders at the first of their cores
find_policies() {
    policies=
    indices "$cpus/cpufreq/policy"
    for index in $indices; do policies="$policies cpufreq/policy$index"; done
    [ -z "$policies" ] || return 0
    index=0
    while [ $index -lt "$cpu_count" ]; do
        folder=cpu$index/cpufreq
        [ ! -d "$cpus/$folder" ] || [ -L "$cpus/$folder" ] || policies="$policies $folder"
        index=$((index + 1))
    done
}

# policy_value CORE FILE: the file of the cpufreq policy that lists the core, for a core without a link to it
policy_value() {
    for policy in $policies; do
        value "$cpus/$policy/affected_cpus" || value "$cpus/$policy/related_cpus" || continue
        case " $REPLY " in *" $1 "*) value "$cpus/$policy/$2" && return ;; esac
    done
    return 1
}

# per_cpu KEY FILE: the values of all cores by index, comma separated, `_` where a core has none
per_cpu() {
    list='' found='' missing='' index=0
    while [ $index -lt "$cpu_count" ]; do
        if value "$cpus/cpu$index/$2" || { is_online $index && policy_value $index "${2#cpufreq/}"; }; then
            found=yes
        else
            REPLY=_
            is_online $index && missing="$missing $index"
        fi
        list=$list${list:+,}$REPLY
        index=$((index + 1))
    done
    if [ -z "$found" ]; then
        cannot "$1" "no cpu*/$2, or permission denied"
        return
    fi
    echo "$1=$list"
    for index in $missing; do cannot "$1.cpu$index" "no cpu$index/$2, or permission denied"; done
}

android_names() {
    report android_release "$(android_release)"
    abis=$(property ro.product.cpu.abilist)
    report android_abis "${abis:-$(property ro.product.cpu.abi)}"
    maker=$(property ro.product.manufacturer)
    is_name "$maker" || maker=
    product=$(property ro.product.model)
    is_name "$product" || product=
    report_text model "$maker $product" "no ro.product.model"
    soc=$(property ro.soc.model)
    is_name "$soc" || soc=$(property ro.board.platform)
    is_name "$soc" || { cpuinfo_field Hardware && soc=$REPLY; }
    report_text soc "$soc" "neither ro.soc.model nor ro.board.platform"
}

linux_names() {
    model
    report_text model "$REPLY" "neither a device tree, DMI nor /proc/cpuinfo names it"
    soc
    report_text soc "$REPLY" "no device tree names it"
    operating_system
    report_text os "$REPLY" "no os-release names it"
    ! cpuinfo_field "model name" || report cpu_name "$REPLY"
    userland_bits
}

facts() {
    report machine "$(uname -m)"
    report_text kernel "$(uname -r)" "uname does not report it"
    report uid "$(id -u)"
    if is_android; then android_names; else linux_names; fi
    half_precision
    cores_in_cpuinfo
    memory_field memory_total_kib MemTotal
    memory_limits
    page_size
    report_file boot_id "$root/proc/sys/kernel/random/boot_id"
    report_file perf_event_paranoid "$root/proc/sys/kernel/perf_event_paranoid"
    report_file online "$cpus/online"
    find_cpus
    online=
    value "$cpus/online" && online=$REPLY
    find_policies
    index=0
    while [ $index -lt "$cpu_count" ]; do
        value "$cpus/cpu$index/regs/identification/midr_el1" && report "cpu$index.midr" "$REPLY"
        { value "$cpus/cpu$index/cpufreq/cpuinfo_max_freq" || policy_value $index cpuinfo_max_freq; } && report "cpu$index.max_frequency_khz" "$REPLY"
        value "$cpus/cpu$index/cpu_capacity" && report "cpu$index.capacity" "$REPLY"
        index=$((index + 1))
    done
    # The nearest parent that exists has the free space of the folder, and is writable or not.
    folder=$1
    while [ ! -d "$folder" ] && [ "$folder" != / ] && [ -n "$folder" ]; do folder=${folder%/*}; done
    free_space "${folder:-/}"
    if [ -w "${folder:-/}" ]; then report folder_writable yes; else report folder_writable no; fi
}

# is_of_cores NAME, as harness/analysis/temperatures.py
is_of_cores() {
    case $1 in
    *[Cc][Pp][Uu]* | *[Ss][Oo][Cc]* | *tsens* | x86_pkg* | *coretemp* | *k10temp* | *zenpower* | *bcm2[0-9][0-9][0-9]* | *cluster*) ;;
    [Bb][Ii][Gg]* | [Mm][Ii][Dd]* | [Ll][Ii][Tt][Tt][Ll][Ee]*) ;;
    *) return 1 ;;
    esac
}

# hwmon_temperatures any|cores: those of chips, for kernels without zones, or without one of the cores
# (Documentation/hwmon/sysfs-interface.rst). Kernels before 3.13 have a chip's files in the folder of its device.
hwmon_temperatures() {
    for file in "$root"/sys/class/hwmon/hwmon*/temp*_input "$root"/sys/class/hwmon/hwmon*/device/temp*_input; do
        value "$file" || continue
        celsius=$REPLY chip=${file%/*} sensor=${file##*/}
        index=${chip%/device}
        [ "$index" = "$chip" ] || [ ! -e "$index/$sensor" ] || continue
        sensor=${sensor%_input}
        value "$chip/name" || REPLY=unnamed
        name=$REPLY
        value "$chip/${sensor}_label" || REPLY=$sensor
        [ "$1" = any ] || is_of_cores "$name $REPLY" || continue
        report "hwmon.${index##*hwmon}.${sensor#temp}" "$celsius $name $REPLY"
        read=yes
    done
}

# battery: the first one of the system and not of a mouse, in the units of Documentation/ABI/testing/sysfs-class-power
battery() {
    for supply in "$root"/sys/class/power_supply/*; do
        value "$supply/type" && [ "$REPLY" = Battery ] || continue
        ! value "$supply/scope" || [ "$REPLY" != Device ] || continue
        ! value "$supply/present" || [ "$REPLY" != 0 ] || continue
        report_file battery_status "$supply/status"
        report_file battery_percent "$supply/capacity"
        report_file battery_decicelsius "$supply/temp"
        report_file battery_microamperes "$supply/current_now"
        report_file battery_microvolts "$supply/voltage_now"
        return
    done
}

# thermal_hal TEXT: the sensors of Android's thermal HAL with their type and throttling status, in dumpsys's words
most_sensors=64
thermal_hal() {
    case $1 in *"Current temperatures from HAL:"*) ;; *) return ;; esac
    sensors=${1#*"Current temperatures from HAL:"}
    index=0
    echo "${sensors%%"Current cooling"*}" | while read -r line; do
        case $line in "Temperature{"*) ;; *) continue ;; esac
        [ $index -lt $most_sensors ] || break
        report "thermal_hal.$index" "${line#Temperature}"
        index=$((index + 1))
    done
}

newline='
'
# android_battery TEXT: the first of each field
android_battery() {
    found=$(echo "$1" | while IFS=: read -r name text; do
        name=${name#"${name%%[! 	]*}"}
        case $seen in *"|$name|"*) continue ;; esac
        seen="$seen|$name|"
        case $name in
        level) name=percent ;;
        temperature) name=decicelsius ;;
        voltage) name=millivolts ;;
        status | scale) ;;
        *) continue ;;
        esac
        case $name${text# } in
        # Nothing, no sensor, unknown.
        *[a-z] | millivolts0 | status1) ;;
        *) report "battery_$name" "${text# }" ;;
        esac
    done)
    for key in battery_percent battery_decicelsius; do
        case $found in *$key=*) ;; *) cannot $key "dumpsys does not report it" ;; esac
    done
    echo "$found"
}

# temperatures: type and temperature of each zone; where none can be read, one reason for all
temperatures() {
    zones=$root/sys/class/thermal/thermal_zone
    denied='' read='' cores=''
    indices "$zones"
    for index in $indices; do
        if ! value "$zones$index/temp"; then
            denied="$denied $index"
            continue
        fi
        celsius=$REPLY
        value "$zones$index/type" || REPLY=unnamed
        report "zone.$index" "$celsius $REPLY"
        read=yes
        ! is_of_cores "$REPLY" || cores=yes
    done
    if [ -z "$read" ]; then
        hwmon_temperatures any
    elif [ -z "$cores" ]; then
        # Such as acpitz, a Wi-Fi card's or a battery's beside coretemp, k10temp or SCPI's sensors.
        hwmon_temperatures cores
    fi
    if [ -z "$read" ] && [ -n "$denied" ]; then
        cannot temperatures "permission denied or unreadable: the temp of all zones in /sys/class/thermal"
        return
    fi
    [ -n "$read" ] || cannot temperatures "no readable /sys/class/thermal/thermal_zone*/temp"
    for index in $denied; do
        value "$zones$index/type" || REPLY=unnamed
        cannot "zone.$index" "permission denied or unreadable: thermal_zone$index/temp ($REPLY)"
    done
}

# android_services: figures that a tester has set by hand, and the status of a missing thermal HAL, are no readings.
android_services() {
    bounded=
    # Not so in busybox before 1.30.
    ! timeout $most_seconds true 2>/dev/null || bounded=yes
    thermal=$(dump thermalservice)
    case $thermal in
    *"IsStatusOverride: true"*) cannot thermal_status "overridden; cmd thermalservice reset ends that" ;;
    *"HAL Ready: false"*) cannot thermal_status "the device has no thermal HAL" ;;
    *) dumped thermal_status "$thermal" : "Thermal Status" ;;
    esac
    thermal_hal "$thermal"
    battery=$(dump battery)
    case $battery in
    # Absent, or present without a known state, charge and voltage: what else is reported is 0 then, and means nothing.
    *"present: false"* | *"  status: 1$newline"*"  level: 0$newline"*"  voltage: 0$newline"*) ;;
    *"UPDATES STOPPED"*)
        for key in battery_percent battery_decicelsius; do
            cannot $key "set by hand; dumpsys battery reset ends that"
        done
        ;;
    *)
        android_battery "$battery"
        ;;
    esac
    power=$(dump power)
    name=mWakefulness
    # As Samsung prints it (flutter/flutter#98146).
    case $power in *"getWakefulnessLocked()="*) name="getWakefulnessLocked()" ;; esac
    dumped wakefulness "$power" = "$name"
}

conditions() {
    if value "$root/proc/uptime"; then report uptime_seconds "${REPLY%% *}"; else cannot uptime_seconds "no /proc/uptime"; fi
    if value "$root/proc/loadavg"; then report load_average_1min "${REPLY%% *}"; else cannot load_average_1min "no /proc/loadavg"; fi
    memory_field memory_available_kib MemAvailable
    find_cpus
    online=
    value "$cpus/online" && online=$REPLY
    find_policies
    per_cpu frequencies_khz cpufreq/scaling_cur_freq
    per_cpu governors cpufreq/scaling_governor
    states=
    for policy in $policies; do
        # A policy is cpufreq/policy4 or cpu4/cpufreq.
        first=${policy#cpu}
        first=${first#freq/policy}
        # Up to a hundred numbers: echo is built in everywhere, printf is not.
        while read -r khz ticks; do
            echo "time_in_state.policy${first%/cpufreq}.$khz=$ticks"
            states=yes
        done 2>/dev/null <"$cpus/$policy/stats/time_in_state"
    done
    [ -n "$states" ] || cannot time_in_state "no readable cpufreq/policy*/stats/time_in_state"
    temperatures
    if command -v dumpsys >/dev/null 2>&1; then
        android_services
    elif is_android; then
        for key in thermal_status battery_percent battery_decicelsius wakefulness; do cannot $key "no dumpsys"; done
    else battery; fi
    throttling
}

case ${1:-} in
facts) facts "${2:-/}" ;;
conditions) conditions ;;
*)
    echo "usage: probe.sh facts FOLDER | conditions" >&2
    exit 2
    ;;
esac
