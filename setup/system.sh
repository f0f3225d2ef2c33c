# System packages, and what the kernel must allow. Sourced by install.sh.

say() { printf '%s\n' "$*" >&2; }
stop() { say "$@"; exit 2; }
have() { PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin" command -v "$1" >/dev/null 2>&1; }

# Words before a command that needs root: nothing as root, sudo where it is there. Fails where neither.
as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"
  elif have sudo && { [ -t 0 ] || sudo -n true 2>/dev/null; }; then sudo "$@"
  else return 1; fi
}

apparmor_switch=/proc/sys/kernel/apparmor_restrict_unprivileged_userns
apparmor_profile=/etc/apparmor.d/bwrap-userns-restrict
apparmor_extra=/usr/share/apparmor/extra-profiles/bwrap-userns-restrict

restricted() { [ "$(cat $apparmor_switch 2>/dev/null || echo 0)" = 1 ] && [ ! -e $apparmor_profile ]; }

# What no package can mend is said before anything is installed.
user_namespaces_first() {
  if restricted && ! as_root true; then
    say "Ubuntu's AppArmor refuses user namespaces to bubblewrap, which the sandbox needs."
    say "Allow them for bwrap alone, then start again:"
    say "  sudo apt-get install apparmor-profiles"
    say "  sudo ln -s $apparmor_extra $apparmor_profile"
    say "  sudo apparmor_parser -r $apparmor_profile"
    [ "$wanted" = test ] || exit 2
  fi
  if [ "$(cat /proc/sys/kernel/unprivileged_userns_clone 2>/dev/null || echo 1)" = 0 ]; then
    say "User namespaces are switched off; the sandbox needs them: sudo sysctl -w kernel.unprivileged_userns_clone=1"
    [ "$wanted" = test ] || exit 2
  fi
}

allow_bwrap_in_apparmor() {
  restricted || return 0
  say "Allowing bubblewrap its user namespaces (AppArmor profile bwrap-userns-restrict)"
  apt_install apparmor-profiles &&
    as_root ln -s $apparmor_extra $apparmor_profile &&
    as_root apparmor_parser -r $apparmor_profile ||
    lacking "AppArmor's profile bwrap-userns-restrict could not be loaded: the sandbox will not start"
}

# A part that cannot be had ends the set-up of the demo; tests that need it are skipped and say so.
lacking() {
  if [ "$wanted" = test ]; then say "$*" "(the tests that need it will be skipped)"; else stop "$@"; fi
}

apt_install() {
  have apt-get || return 1
  if [ -z "${apt_updated:-}" ]; then
    as_root env DEBIAN_FRONTEND=noninteractive apt-get update -qq >/dev/null 2>&1 || true
    apt_updated=yes
  fi
  log=$(mktemp)
  if as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" </dev/null >"$log" 2>&1
  then rm -f "$log"; return 0; fi
  tail -n 5 "$log" >&2; rm -f "$log"; return 1
}

is_there() { case $1 in */*) [ -e "$1" ] ;; *) have "$1" ;; esac; }

# Lines NAME|WHEN|THING|WHY of the list, without comments and padding.
listed_packages() { sed -e '/^#/d' -e '/^ *$/d' -e 's/ *| */|/g' setup/system-packages.txt; }

install_system_packages() {
  missing=''
  while IFS='|' read -r name when thing _; do
    if [ "$when" = test ] && [ "$1" = demo ]; then continue; fi
    is_there "$thing" || missing="$missing $name"
  done <<LIST
$(listed_packages)
LIST
  [ -n "$missing" ] || return 0
  say "Installing system packages:$missing"
  as_root true || { lacking "Not root and no sudo. As root: apt-get install$missing"; return 0; }
  case " $missing " in
  *' openssh-server '* | *' docker.io '* | *' cron '*) without_services apt_install $missing ;;
  *) apt_install $missing ;;
  esac || lacking "These system packages could not be installed:$missing (is there a network?)"
}
