#!/bin/sh
# Makes a device quiet for measuring, and restores what it changed. For mksh with toybox, busybox, dash.
#   tune.sh set FOLDER        keeps it awake, fixes its performance, holds its clocks, as far as it allows; what a
#                              run that was killed has set stays set, as its runner may still be at work
#   tune.sh restore FOLDER    undoes that, also after a crash
#   tune.sh show FOLDER       what is still to be restored
# Told as lines, `set` and `restored` only of what was read back:
#   set.NAME=BEFORE NOW   asked.NAME=NOW (cannot be read back)   restored.NAME=VALUE   left.NAME=VALUE   !KEY=reason
# Before a setting is changed its value stands in FOLDER/quiet.journal, which is whole at any time:
# a first line, `NAME VALUE` for each, and `end`.
# HARNESS_PROBE_ROOT puts a file tree in the place of / (its bin/ in front of PATH), for tests.
root=${HARNESS_PROBE_ROOT:-}
[ -z "$root" ] || PATH=$root/bin:$PATH
policies=$root/sys/devices/system/cpu/cpufreq
title='mobilenet-harness tuning 1'

say() { printf '%s=%s\n' "$1" "$2"; }
cannot() { printf '!%s=%s\n' "$1" "$2"; }
has() { command -v "$1" >/dev/null 2>&1; }

# put VALUE FILE: as this user, or as root where sudo asks for no password
put() {
    if [ -w "$2" ]; then echo "$1" >"$2"; else has sudo && echo "$1" | sudo -n tee "$2" >/dev/null; fi
} 2>/dev/null

wakefulness() {
    dumpsys power 2>/dev/null | while IFS='=' read -r name text; do
        case $name in *mWakefulness)
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
    fixed_performance) now=false ;; # nothing tells it; it is off after each start
    governor.*)
        now=
        { IFS= read -r now <"$policies/${1#governor.}/scaling_governor"; } 2>/dev/null
        ;;
    esac
    is_word "$now"
}

is_word() {
    case $1 in '' | *[!A-Za-z0-9_-]*) return 1 ;; esac
}

# apply NAME VALUE; `on` keeps awake while any plug is in
apply() {
    case $1 in
    stay_awake) if [ "$2" = on ]; then svc power stayon true; else settings put global stay_on_while_plugged_in "$2"; fi ;;
    fixed_performance) cmd power set-fixed-performance-mode-enabled "$2" ;;
    governor.*) put "$2" "$policies/${1#governor.}/scaling_governor" ;;
    esac </dev/null >/dev/null 2>&1
}

# Whether the value is what was wanted; `on` is any plug.
is_now() {
    current "$1" || return 1
    if [ "$2" = on ]; then [ "$now" != 0 ]; else [ "$now" = "$2" ]; fi
}

# write_journal: what is in $entries; no journal when that is nothing
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
# change NAME VALUE: what an earlier run set and did not restore is taken over with its first value
change() {
    if ! current "$1"; then
        cannot "set.$1" "it cannot be read"
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
            say "set.$1" "$before $now"
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
        say "asked.$1" "$2"
        return
    fi
    if [ "$1" != fixed_performance ] && is_now "$1" "$2"; then
        say "set.$1" "$before $now"
        return
    fi
    cannot "set.$1" "the device refused it, as it does without root, or where it has no such mode"
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
        if [ "$now" = Awake ]; then say set.screen "${before:-unknown} $now"; else cannot set.screen "it is ${now:-unknown}"; fi
    fi
    ! { has svc && has settings; } || change stay_awake on # busybox has another svc
    ! has cmd || change fixed_performance true
    for policy in "$policies"/policy*; do
        [ ! -d "$policy" ] || change "governor.${policy##*/}" performance
    done
    [ -d "$policy" ] || cannot set.governor "no cpufreq/policy*"
}

# read_journal: the entries into $entries; fails when there is none, or it is not one of ours
read_journal() {
    entries='' ended=''
    [ -e "$journal" ] || return 1
    {
        IFS= read -r line && [ "$line" = "$title" ] || line=
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
            stay_awake | fixed_performance | governor.policy[0-9] | governor.policy[0-9][0-9]) is_word "$before" || break ;;
            *) break ;;
            esac
            entries=$entries$name\ $before$newline
        done
    } <"$journal"
    [ -n "$ended" ] || {
        cannot journal "not one of ours: $journal"
        return 1
    }
}

# Reads the journal itself, which changes only afterwards: a here-document needs a file of its own in mksh.
restore_all() {
    read_journal || return 0
    entries=
    while read -r name before <&3; do
        case $name in stay_awake | fixed_performance | governor.*) ;; *) continue ;; esac
        if undo "$name" "$before"; then
            case $name in fixed_performance) kind=asked ;; *) kind=restored ;; esac
            say "$kind.$name" "$before"
        else
            cannot "restored.$name" "the device did not take $before"
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
    printf '%s' "$entries" | while read -r name before; do say "left.$name" "$before"; done
}

folder=${2:-}
journal=$folder/quiet.journal
case ${1:-}:$folder in
set:/*) set_all ;;
restore:/*) restore_all ;;
show:/*) show ;;
*)
    echo "usage: tune.sh set FOLDER | restore FOLDER | show FOLDER" >&2
    exit 2
    ;;
esac
