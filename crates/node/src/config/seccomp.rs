//! Which system calls an instance may make.
//!
//! A list of what is allowed; the rest fails with EPERM. Left out is what reaches past a container with the default
//! capabilities: mounting, namespaces, modules, kexec, clocks, quotas, swap, raw ports, BPF, perf, keys, and io_uring.
//! Names that the system's libseccomp does not know are passed over by runtimes.

use serde_json::{Value, json};

/// CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID and NEWNET. Source: the kernel's include/uapi/linux/sched.h.
const NAMESPACE_FLAGS: u64 = 0x7E02_0000;
/// Source: the kernel's include/uapi/asm-generic/errno.h.
const ENOSYS: u32 = 38;
const EPERM: u32 = 1;
/// Source: the kernel's include/linux/socket.h. Reaches the machine that hosts this one.
const AF_VSOCK: u64 = 40;

const FILES: &str = "\
    access chdir chmod chown chown32 chroot close close_range copy_file_range creat dup dup2 dup3 \
    faccessat faccessat2 fadvise64 fadvise64_64 fallocate fchdir fchmod fchmodat fchmodat2 fchown fchown32 fchownat \
    fcntl fcntl64 fdatasync fgetxattr flistxattr flock fremovexattr fsetxattr fstat fstat64 fstatat64 fstatfs fstatfs64 \
    fsync ftruncate ftruncate64 futimesat getcwd getdents getdents64 getxattr getxattrat inotify_add_watch inotify_init \
    inotify_init1 inotify_rm_watch ioctl lchown lchown32 lgetxattr link linkat listxattr listxattrat llistxattr \
    lremovexattr lseek lsetxattr lstat lstat64 memfd_create memfd_secret mkdir mkdirat mknod mknodat name_to_handle_at \
    newfstatat _llseek open openat openat2 pread64 preadv preadv2 pwrite64 pwritev pwritev2 read readahead readlink \
    readlinkat readv removexattr removexattrat rename renameat renameat2 rmdir sendfile sendfile64 setxattr setxattrat \
    splice stat stat64 statfs statfs64 statx symlink symlinkat sync sync_file_range sync_file_range2 syncfs tee truncate \
    truncate64 umask unlink unlinkat utime utimensat utimensat_time64 utimes vmsplice write writev cachestat \
    landlock_add_rule landlock_create_ruleset landlock_restrict_self";

const MEMORY: &str = "\
    brk madvise map_shadow_stack membarrier mincore mlock mlock2 mlockall mmap mmap2 mprotect \
    mremap mseal msync munlock munlockall munmap pkey_alloc pkey_free pkey_mprotect process_mrelease remap_file_pages \
    shmat shmctl shmdt shmget";

const PROCESSES: &str = "\
    arch_prctl capget capset execve execveat exit exit_group fork get_robust_list get_thread_area getcpu getegid \
    getegid32 geteuid geteuid32 getgid getgid32 getgroups getgroups32 getpgid getpgrp getpid getppid getpriority \
    getresgid getresgid32 getresuid getresuid32 getrlimit getrusage getsid gettid getuid getuid32 ioprio_get ioprio_set \
    kill modify_ldt pidfd_getfd pidfd_open pidfd_send_signal prctl prlimit64 process_vm_readv process_vm_writev ptrace \
    restart_syscall rseq sched_get_priority_max sched_get_priority_min sched_getaffinity sched_getattr sched_getparam \
    sched_getscheduler sched_rr_get_interval sched_rr_get_interval_time64 sched_setaffinity sched_setattr \
    sched_setparam sched_setscheduler sched_yield seccomp set_robust_list set_thread_area set_tid_address setfsgid \
    setfsgid32 setfsuid setfsuid32 setgid setgid32 setgroups setgroups32 setpgid setpriority setregid setregid32 \
    setresgid setresgid32 setresuid setresuid32 setreuid setreuid32 setrlimit setsid setuid setuid32 sysinfo tgkill \
    tkill ugetrlimit uname uretprobe vfork wait4 waitid waitpid kcmp";

const SIGNALS_AND_TIME: &str = "\
    adjtimex alarm clock_adjtime clock_adjtime64 clock_getres clock_getres_time64 clock_gettime \
    clock_gettime64 clock_nanosleep clock_nanosleep_time64 getitimer gettimeofday nanosleep pause rt_sigaction \
    rt_sigpending rt_sigprocmask rt_sigqueueinfo rt_sigreturn rt_sigsuspend rt_sigtimedwait rt_sigtimedwait_time64 \
    rt_tgsigqueueinfo setitimer sigaltstack signalfd signalfd4 sigprocmask sigreturn time timer_create timer_delete \
    timer_getoverrun timer_gettime timer_gettime64 timer_settime timer_settime64 timerfd_create timerfd_gettime \
    timerfd_gettime64 timerfd_settime timerfd_settime64 times";

const WAITING_AND_TALKING: &str = "\
    accept accept4 bind connect epoll_create epoll_create1 epoll_ctl epoll_ctl_old epoll_pwait epoll_pwait2 epoll_wait \
    epoll_wait_old eventfd eventfd2 futex futex_requeue futex_time64 futex_wait futex_waitv futex_wake getpeername \
    getrandom getsockname getsockopt io_cancel io_destroy io_getevents io_pgetevents io_pgetevents_time64 io_setup \
    io_submit ipc listen mq_getsetattr mq_notify mq_open mq_timedreceive mq_timedreceive_time64 mq_timedsend \
    mq_timedsend_time64 mq_unlink msgctl msgget msgrcv msgsnd _newselect pipe pipe2 poll ppoll ppoll_time64 pselect6 \
    pselect6_time64 recv recvfrom recvmmsg recvmmsg_time64 recvmsg select semctl semget semop semtimedop \
    semtimedop_time64 send sendmmsg sendmsg sendto setsockopt shutdown socketcall socketpair";

/// The `seccomp` object.
///
/// `mask_first` says how the runtime reads a masked comparison. runc, crun and the specification have the mask in
/// `value`; libcontainer 0.7 has it in `valueTwo`, and would take the usual spelling as always true.
pub(super) fn profile(mask_first: bool) -> Value {
    let (value, value_two) = if mask_first { (NAMESPACE_FLAGS, 0) } else { (0, NAMESPACE_FLAGS) };
    let lists = [FILES, MEMORY, PROCESSES, SIGNALS_AND_TIME, WAITING_AND_TALKING];
    let names: Vec<&str> = lists.iter().flat_map(|list| list.split_whitespace()).collect();
    json!({
        "defaultAction": "SCMP_ACT_ERRNO",
        "defaultErrnoRet": EPERM,
        "architectures": architectures(),
        "syscalls": [
            { "names": names, "action": "SCMP_ACT_ALLOW" },
            // Threads and processes, without namespaces of their own.
            { "names": ["clone"], "action": "SCMP_ACT_ALLOW", "args": [
                { "index": 0, "value": value, "valueTwo": value_two, "op": "SCMP_CMP_MASKED_EQ" },
            ] },
            // Its flags lie in memory, where no filter sees them: programs take ENOSYS as the word to use clone.
            { "names": ["clone3"], "action": "SCMP_ACT_ERRNO", "errnoRet": ENOSYS },
            { "names": ["socket"], "action": "SCMP_ACT_ALLOW", "args": [
                { "index": 0, "value": AF_VSOCK, "op": "SCMP_CMP_NE" },
            ] },
            { "names": ["personality"], "action": "SCMP_ACT_ALLOW", "args": [
                { "index": 0, "value": 0, "op": "SCMP_CMP_EQ" },
            ] },
            { "names": ["personality"], "action": "SCMP_ACT_ALLOW", "args": [
                { "index": 0, "value": 0x0008, "op": "SCMP_CMP_EQ" },
            ] },
            { "names": ["personality"], "action": "SCMP_ACT_ALLOW", "args": [
                { "index": 0, "value": 0x20000, "op": "SCMP_CMP_EQ" },
            ] },
            { "names": ["personality"], "action": "SCMP_ACT_ALLOW", "args": [
                { "index": 0, "value": 0xFFFF_FFFF_u32, "op": "SCMP_CMP_EQ" },
            ] },
        ],
    })
}

/// The machine's own, and the 32-bit one that it runs as well.
fn architectures() -> &'static [&'static str] {
    match std::env::consts::ARCH {
        "x86_64" => &["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"],
        "aarch64" => &["SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM"],
        _ => &[],
    }
}
