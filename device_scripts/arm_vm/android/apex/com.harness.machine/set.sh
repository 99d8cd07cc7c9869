# shellcheck shell=sh
# For the scripts of /system/bin: what was set since the start. No process is started to read a value.
# was_set NAME: its value in $REPLY; fails when nothing set it
was_set() {
    REPLY=
    [ -e "/dev/harness/set/$1" ] && IFS= read -r REPLY <"/dev/harness/set/$1"
}

# put NAME VALUE: returns when the service has kept it
put() {
    echo "$1 $2" >/dev/socket/property_service
    patience=500
    while ! { was_set "$1" && [ "$REPLY" = "$2" ]; }; do
        patience=$((patience - 1))
        [ $patience -gt 0 ] || return 1
        sleep 0.01
    done
}

# recorded PROGRAM ARGUMENT: what the phone's own program said
recorded() { "/dev/harness/phone/bin/$1" "$2"; }
