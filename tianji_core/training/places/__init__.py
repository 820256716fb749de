"""运行位置: training elsewhere. A place is a machine behind SSH or a Slurm cluster. The training
travels as a bundle, runs there detached from this machine, and comes back file by file."""
