//! The sandbox of a worker: what a process that executes a guest's commands may still ask of the kernel.
//!
//! Applied once the GPU is open. The driver goes on working inside: it may map memory, make threads, and use the device
//! files it has open. Three layers:
//! 1. limits and `no_new_privs`: no core dumps, few files, no rights gained by executing anything;
//! 2. landlock: files are read-only, except device files and shared memory;
//! 3. seccomp: system calls that start programs, look into other processes, change the system or reach a network fail with
//!    `EPERM`.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use landlock::{
    ABI, Access, AccessFs, CompatLevel, Compatible, PathBeneath, PathFd, Ruleset, RulesetAttr,
    RulesetCreatedAttr,
};
use rustix::process::{DumpableBehavior, Resource, Rlimit, Signal};
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
};

/// Open files of a worker: the drivers need some dozens.
const MAX_FILES: u64 = 1024;

/// Why a layer could not be applied.
#[derive(Debug)]
pub struct SandboxError {
    layer: &'static str,
    text: String,
}

impl fmt::Display for SandboxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the worker's {} could not be applied: {}", self.layer, self.text)
    }
}

impl std::error::Error for SandboxError {}

fn failed<E: fmt::Display>(layer: &'static str) -> impl FnOnce(E) -> SandboxError {
    move |error| SandboxError { layer, text: error.to_string() }
}

/// Ties the worker to its supervisor and limits what it can use up. To be called first.
///
/// # Errors
/// [`SandboxError`] names the layer.
pub fn limit_process() -> Result<(), SandboxError> {
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))
        .map_err(failed("parent-death signal"))?;
    rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable).map_err(failed("dumpable flag"))?;
    rustix::thread::set_no_new_privs(true).map_err(failed("no_new_privs"))?;
    let limit = |value: u64| Rlimit { current: Some(value), maximum: Some(value) };
    rustix::process::setrlimit(Resource::Core, limit(0)).map_err(failed("core limit"))?;
    let files = rustix::process::getrlimit(Resource::Nofile).maximum.unwrap_or(MAX_FILES).min(MAX_FILES);
    rustix::process::setrlimit(Resource::Nofile, limit(files)).map_err(failed("file limit"))
}

/// Takes the remaining rights away. To be called when the GPU is open and before the first command is read.
///
/// # Errors
/// [`SandboxError`] names the layer.
pub fn close() -> Result<(), SandboxError> {
    close_but(&[])
}

/// The same, except that files may be made and written in some folders.
///
/// # Errors
/// [`SandboxError`] names the layer.
pub fn close_but(writable: &[&Path]) -> Result<(), SandboxError> {
    restrict_files(writable)?;
    restrict_calls()
}

fn restrict_files(writable: &[&Path]) -> Result<(), SandboxError> {
    const LAYER: &str = "file restrictions";
    let all = AccessFs::from_all(ABI::V1);
    let read = AccessFs::from_read(ABI::V1) & !AccessFs::Execute;
    // Kernels without landlock run with the other layers.
    let ruleset = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(all)
        .and_then(Ruleset::create)
        .map_err(failed(LAYER))?;
    let root = PathFd::new("/").map_err(failed(LAYER))?;
    let devices = PathFd::new("/dev").map_err(failed(LAYER))?;
    let write = read | AccessFs::WriteFile;
    let mut ruleset = ruleset
        .add_rule(PathBeneath::new(root, read))
        .and_then(|ruleset| ruleset.add_rule(PathBeneath::new(devices, write)))
        .map_err(failed(LAYER))?;
    for folder in writable {
        let folder = PathFd::new(folder).map_err(failed(LAYER))?;
        ruleset =
            ruleset.add_rule(PathBeneath::new(folder, write | AccessFs::MakeReg)).map_err(failed(LAYER))?;
    }
    let status = ruleset.restrict_self().map_err(failed(LAYER))?;
    if status.ruleset == landlock::RulesetStatus::NotEnforced {
        log::warn!("this kernel has no landlock: workers can open files that their user can open");
    }
    Ok(())
}

fn restrict_calls() -> Result<(), SandboxError> {
    const LAYER: &str = "system-call filter";
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> = DENIED.iter().map(|call| (*call, Vec::new())).collect();
    // Local sockets stay: drivers talk to local services through them.
    let not_unix = SeccompCondition::new(0, SeccompCmpArgLen::Dword, SeccompCmpOp::Ne, libc::AF_UNIX as u64)
        .and_then(|condition| SeccompRule::new(vec![condition]))
        .map_err(failed(LAYER))?;
    rules.insert(libc::SYS_socket, vec![not_unix]);
    // CAST: a small positive number.
    let deny = SeccompAction::Errno(libc::EPERM as u32);
    let arch = std::env::consts::ARCH.try_into().map_err(failed(LAYER))?;
    let filter = SeccompFilter::new(rules, SeccompAction::Allow, deny, arch).map_err(failed(LAYER))?;
    let program: BpfProgram = filter.try_into().map_err(failed(LAYER))?;
    // All threads: drivers have made some already.
    seccompiler::apply_filter_all_threads(&program).map_err(failed(LAYER))
}

/// Calls that no driver needs once it runs.
const DENIED: &[i64] = &[
    libc::SYS_execve,
    libc::SYS_execveat,
    libc::SYS_fork,
    libc::SYS_vfork,
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_setns,
    libc::SYS_unshare,
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    libc::SYS_io_uring_setup,
    libc::SYS_keyctl,
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_kexec_load,
    libc::SYS_reboot,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_acct,
    libc::SYS_setuid,
    libc::SYS_setgid,
    libc::SYS_setresuid,
    libc::SYS_setresgid,
    libc::SYS_sethostname,
    libc::SYS_settimeofday,
    libc::SYS_clock_settime,
    libc::SYS_personality,
    libc::SYS_open_by_handle_at,
];
