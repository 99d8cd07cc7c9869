#!/bin/sh
# Tunes a device for measuring, and restores what it changed. For mksh with toybox, busybox, dash.
#   tune.sh set FOLDER        keeps the device awake and holds its clocks steady, as far as the device allows:
#                             Android's fixed-performance mode holds a lower clock that can be sustained, the
#                             governor `performance` the highest. Settings of a run that was killed stay set, as
#                             the runner it started may still be at work.
#   tune.sh restore FOLDER    restores every setting, also after a crash
#   tune.sh show FOLDER       lists what is still to be restored
# Output, where `set` and `restored` hold only what was read back:
#   set.NAME=BEFORE NOW   asked.NAME=NOW (cannot be read back)   restored.NAME=VALUE   left.NAME=VALUE   !KEY=reason
# Before a setting is changed, its value is written to FOLDER/tune.journal, which is complete at any time:
# a title, `NAME VALUE` for each setting, and `end`.
# HARNESS_PROBE_ROOT puts a file tree in the place of / (its bin/ in front of PATH), for tests.
root=${HARNESS_PROBE_ROOT:-}
[ -z "$root" ] || PATH=$root/bin:$PATH
cpus=$root/sys/devices/system/cpu
policies=$cpus/cpufreq
title='mobilenet-harness tuning 1'
old_title='mobilenet-harness quieting 1'

report() { printf '%s=%s\n' "$1" "$2"; }
cannot() { printf '!%s=%s\n' "$1" "$2"; }
has() { command -v "$1" >/dev/null 2>&1; }

# put VALUE FILE: as this user, or as root where sudo asks for no password
put() {
    if [ -w "$2" ]; then echo "$1" >"$2"; else has sudo && echo "$1" | sudo -n tee "$2" >/dev/null; fi
} 2>/dev/null

# governor_file NAME: of the policy with this name; kernels before 4.3 have its folder at the first of its cores
governor_file() {
    file=$policies/$1/scaling_governor
    [ -e "$policies/$1" ] || file=$cpus/cpu${1#policy}/cpufreq/scaling_governor
}

wakefulness() {
    dumpsys power 2>/dev/null | while IFS='=' read -r name text; do
        # The second is Samsung's (flutter/flutter#98146).
        case $name in *mWakefulness | *"getWakefulnessLocked()")
            echo "$text"
            break
            ;;
        esac
    done
}

# current NAME: its value in $now, one word; fails when it cannot be read
current() {
    case $1 in
    stay_awake)
        now=$(settings get global stay_on_while_plugged_in 2>/dev/null)
        [ "$now" != null ] || now=0
        ;;
    fixed_performance) now=false ;; # Android does not report the mode; it is off after each boot
    governor.*)
        now=
        governor_file "${1#governor.}"
        { IFS= read -r now <"$file"; } 2>/dev/null
        ;;
    esac
    is_word "$now"
}

is_word() {
    case $1 in '' | *[!A-Za-z0-9_-]*) return 1 ;; esac
}

# is_setting NAME: one of the names that are written to the journal and read from it
is_setting() {
    case $1 in
    stay_awake | fixed_performance) ;;
    governor.policy?*) case ${1#governor.policy} in *[!0-9]*) return 1 ;; esac ;;
    *) return 1 ;;
    esac
}

# apply NAME VALUE; `on` keeps the device awake on any power supply
apply() {
    case $1 in
    stay_awake) if [ "$2" = on ]; then svc power stayon true; else settings put global stay_on_while_plugged_in "$2"; fi ;;
    fixed_performance) cmd power set-fixed-performance-mode-enabled "$2" ;;
    governor.*)
        governor_file "${1#governor.}"
        put "$2" "$file"
        ;;
    esac </dev/null >/dev/null 2>&1
}

# is_now NAME VALUE: whether the setting has this value; `on` is any power supply
is_now() {
    current "$1" || return 1
    if [ "$2" = on ]; then [ "$now" != 0 ]; else [ "$now" = "$2" ]; fi
}

# write_journal: writes $entries, or removes the journal when there are none
write_journal() {
    if [ -z "$entries" ]; then
        rm -f "$journal"
        return
    fi
    {
        echo "$title"
        printf '%s' "$entries"
        echo end
    } >"$journal.partial" && mv "$journal.partial" "$journal"
}

newline='
'
# change NAME VALUE: a setting that an earlier run did not restore keeps its entry, with its first value
change() {
    if ! is_setting "$1" || ! current "$1"; then
        cannot "set.$1" "the setting cannot be read"
        return
    fi
    before=$now
    earlier=$entries
    case $newline$entries in
    *"$newline$1 "*)
        before=$newline$entries
        before=${before#*"$newline$1 "}
        before=${before%%"$newline"*}
        ;;
    *)
        if is_now "$1" "$2"; then
            report "set.$1" "$before $now"
            return
        fi
        entries=$entries$1\ $before$newline
        if ! write_journal; then
            entries=$earlier
            cannot "set.$1" "no journal can be written"
            return
        fi
        ;;
    esac
    is_now "$1" "$2" || apply "$1" "$2"
    code=$?
    if [ "$1" = fixed_performance ] && [ $code -eq 0 ]; then
        report "asked.$1" "$2"
        return
    fi
    if [ "$1" != fixed_performance ] && is_now "$1" "$2"; then
        report "set.$1" "$before $now"
        return
    fi
    cannot "set.$1" "the device refused the change: it needs root, or has no such mode"
    if [ "$1" = fixed_performance ] || is_now "$1" "$before"; then
        entries=$earlier
        write_journal
    fi
}

set_all() {
    read_journal || [ ! -e "$journal" ] || return 0
    mkdir -p "$folder" || {
        cannot set "no folder $folder"
        return 0
    }
    if has input; then
        before=$(wakefulness)
        input keyevent KEYCODE_WAKEUP </dev/null >/dev/null 2>&1
        now=$(wakefulness)
        if [ "$now" = Awake ]; then report set.screen "${before:-unknown} $now"; else cannot set.screen "the device is ${now:-unknown}"; fi
    fi
    ! { has svc && has settings; } || change stay_awake on # busybox has a different svc
    ! has cmd || change fixed_performance true
    for policy in "$policies"/policy*; do
        [ ! -d "$policy" ] || change "governor.${policy##*/}" performance
    done
    [ ! -d "$policy" ] || return 0
    found=
    for policy in "$cpus"/cpu[0-9]*/cpufreq; do
        [ -d "$policy" ] && [ ! -L "$policy" ] || continue
        found=yes
        policy=${policy%/cpufreq}
        change "governor.policy${policy##*/cpu}" performance
    done
    [ -n "$found" ] || cannot set.governor "no cpufreq/policy*"
}

# read_journal: reads the entries into $entries; fails without a journal, or when it is not a whole one of ours
read_journal() {
    entries='' ended=''
    [ -e "$journal" ] || return 1
    {
        IFS= read -r line && case $line in "$title" | "$old_title") ;; *) line= ;; esac || line=
        [ -n "$line" ] && while read -r name before; do
            [ -z "$ended" ] || {
                ended=
                break
            }
            case $name in
            end)
                ended=yes
                continue
                ;;
            *) if ! is_setting "$name" || ! is_word "$before"; then break; fi ;;
            esac
            entries=$entries$name\ $before$newline
        done
    } <"$journal"
    [ -n "$ended" ] || {
        cannot journal "not one of ours: $journal"
        return 1
    }
}

# Reads the journal, which changes only afterwards: for a here-document mksh would need another file.
restore_all() {
    read_journal || return 0
    entries=
    while read -r name before <&3; do
        case $name in stay_awake | fixed_performance | governor.*) ;; *) continue ;; esac
        if undo "$name" "$before"; then
            case $name in fixed_performance) kind=asked ;; *) kind=restored ;; esac
            report "$kind.$name" "$before"
        else
            cannot "restored.$name" "the device did not accept $before"
            entries=$entries$name\ $before$newline
        fi
    done 3<"$journal"
    write_journal
}

# undo NAME VALUE
undo() {
    [ "$1" != fixed_performance ] || {
        apply "$1" "$2"
        return
    }
    is_now "$1" "$2" || { apply "$1" "$2" && is_now "$1" "$2"; }
}

show() {
    read_journal || return 0
    printf '%s' "$entries" | while read -r name before; do report "left.$name" "$before"; done
}

folder=${2:-}
journal=$folder/tune.journal
# The name of version 0.1's journal, for what such a version left to be restored.
[ -e "$journal" ] || [ ! -e "$folder/quiet.journal" ] || journal=$folder/quiet.journal
case ${1:-}:$folder in
set:/*) set_all ;;
restore:/*) restore_all ;;
show:/*) show ;;
*)
    echo "usage: tune.sh set FOLDER | restore FOLDER | show FOLDER" >&2
    exit 2
    ;;
esac
