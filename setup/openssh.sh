# openssh-server, docker.io and cron come with services that are enabled and started. Not here. Sourced by install.sh.

policy=/usr/sbin/policy-rc.d
kept=$policy.trainshed-kept

# Local addresses of TCP listeners on port 22 (hex 0016), state LISTEN (0A), as the kernel lists them.
listeners_on_22() {
  cat /proc/net/tcp /proc/net/tcp6 2>/dev/null | awk '$4 == "0A" && $2 ~ /:0016$/ { print $2 }' | sort
}

restore_policy() {
  if as_root test -e $kept; then as_root mv -f $kept $policy
  elif as_root grep -qs 'made by trainshed' $policy; then as_root rm -f $policy; fi
}

# Runs the words with every service start refused (Debian's policy-rc.d), then disables the services of what was not
# there before. A policy of the machine's own is put back.
without_services() {
  before=$(listeners_on_22)
  restore_policy # what an interrupted start left
  trap 'restore_policy; exit 130' INT TERM HUP
  if as_root test -e $policy; then as_root mv $policy $kept; fi
  printf '#!/bin/sh\n# made by trainshed, for one installation\nexit 101\n' | as_root tee $policy >/dev/null
  as_root chmod 755 $policy
  status=0
  "$@" || status=$?
  restore_policy
  trap - INT TERM HUP
  disable_services
  if [ "$(listeners_on_22)" != "$before" ]; then
    stop "Something new listens on port 22 since openssh-server was installed: stop it (systemctl stop ssh ssh.socket)"
  fi
  return $status
}

# Of the packages that were missing: ssh's, Docker's, containerd's and cron's.
disable_services() {
  units=''
  case " $missing " in *' openssh-server '*) units="ssh.service ssh.socket sshd.service" ;; esac
  case " $missing " in *' docker.io '*) units="$units docker.service docker.socket containerd.service" ;; esac
  case " $missing " in *' cron '*) units="$units cron.service" ;; esac
  for unit in $units; do
    if have systemctl; then as_root systemctl disable --quiet $unit >/dev/null 2>&1 || true; fi
    if have deb-systemd-helper; then as_root deb-systemd-helper disable $unit >/dev/null 2>&1 || true; fi
  done
  for name in ${units:+ssh docker cron}; do
    case " $units " in *" $name.service "*)
      if have update-rc.d; then as_root update-rc.d $name disable >/dev/null 2>&1 || true; fi ;;
    esac
  done
}
