#!/bin/bash
# The student: train.sh NAME TRAIN.extxyz VALID.extxyz EPOCHS DECAY [more options of mace_run_train]
#
#   train.sh r0 seed_train.extxyz seed_valid.extxyz 14 0.82
#   train.sh r1 all1_train.extxyz all1_valid.extxyz 12 0.80 \
#     --foundation_model=r0.model --multiheads_finetuning=False --lr=0.005
#   train.sh r2 all2_train.extxyz all2_valid.extxyz 7 0.68 \
#     --foundation_model=r1.model --multiheads_finetuning=False --lr=0.004
#
# DECAY multiplies the learning rate after each epoch.
set -euo pipefail
name=$1 train=$2 valid=$3 epochs=$4 decay=$5
shift 5
export TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD=1 OMP_WAIT_POLICY=passive
# Without these glibc gives memory back after every step, and page faults double the time.
export MALLOC_MMAP_THRESHOLD_=1073741824 MALLOC_TRIM_THRESHOLD_=2147483647
exec mace_run_train --name="$name" --train_file="$train" --valid_file="$valid" \
  --E0s='{1:-0.9187276,8:-1.9413528,19:-1.0417317}' \
  --model=ScaleShiftMACE --num_channels=64 --max_L=0 --max_ell=2 --correlation=3 \
  --num_interactions=2 --r_max=5.0 --num_radial_basis=8 --radial_MLP='[64,64,64]' \
  --MLP_irreps=16x0e --interaction_first=RealAgnosticResidualInteractionBlock \
  --interaction=RealAgnosticResidualInteractionBlock \
  --energy_key=REF_energy --forces_key=REF_forces --energy_weight=1 --forces_weight=100 \
  --default_dtype=float32 --device=cpu --batch_size=2 --valid_batch_size=10 \
  --max_num_epochs="$epochs" --lr=0.01 --scheduler=ExponentialLR --lr_scheduler_gamma="$decay" \
  --ema --ema_decay=0.99 --amsgrad --weight_decay=5e-7 --clip_grad=10 \
  --error_table=PerAtomRMSE --seed=1 --eval_interval=2 --work_dir="train_$name" "$@"
