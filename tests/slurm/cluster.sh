#!/bin/bash
# A Slurm cluster of three logical nodes on this machine: cluster.sh start|stop FOLDER
#
# Needs root and Debian's slurm-wlm and munge. Everything lies in FOLDER; the environment of a
# client is written to FOLDER/env (SLURM_CONF).
set -euo pipefail
action=$1
folder=$(realpath -m "$2")
host=$(hostname -s)

start() {
  mkdir -p "$folder"/{state,munge,n1,n2,n3}
  chmod 755 "$folder"
  # munge wants folders that nobody else can change.
  dd if=/dev/urandom of="$folder/munge/key" bs=128 count=1 status=none
  chmod 600 "$folder/munge/key"
  munged --force --key-file="$folder/munge/key" --socket="$folder/munge/socket" \
    --pid-file="$folder/munge/pid" --log-file="$folder/munge/log" --seed-file="$folder/munge/seed"
  cat > "$folder/slurm.conf" <<CONF
ClusterName=test
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=17002
AuthType=auth/munge
# A requeued job waits for its credential to expire: 2 minutes unless told otherwise.
AuthInfo=socket=$folder/munge/socket,cred_expire=10
SlurmUser=root
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/%n
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdPidFile=$folder/%n/slurmd.pid
SlurmctldLogFile=$folder/slurmctld.log
SlurmdLogFile=$folder/%n/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
MpiDefault=none
ReturnToService=2
SchedulerParameters=sched_interval=2,bf_interval=2
MinJobAge=600
KillWait=10
OverTimeLimit=0
NodeName=n1 NodeHostname=$host NodeAddr=127.0.0.1 Port=17011 CPUs=1
NodeName=n2 NodeHostname=$host NodeAddr=127.0.0.1 Port=17012 CPUs=1
NodeName=n3 NodeHostname=$host NodeAddr=127.0.0.1 Port=17013 CPUs=1
PartitionName=main Nodes=n1,n2,n3 Default=YES MaxTime=INFINITE State=UP
CONF
  export SLURM_CONF=$folder/slurm.conf
  slurmctld -c
  for node in n1 n2 n3; do slurmd -N "$node"; done
  for _ in $(seq 60); do
    [ "$(sinfo --noheader --format=%T --states=idle | wc -l)" -gt 0 ] &&
      [ "$(sinfo --noheader --format=%D --states=idle)" = 3 ] && break
    sleep 1
  done
  echo "export SLURM_CONF=$folder/slurm.conf" > "$folder/env"
  sinfo
}

stop() {
  export SLURM_CONF=$folder/slurm.conf
  scancel --user=root || true
  for pid in "$folder"/n?/slurmd.pid "$folder/slurmctld.pid" "$folder/munge/pid"; do
    [ -f "$pid" ] && kill "$(cat "$pid")"
  done
}

"$action"
