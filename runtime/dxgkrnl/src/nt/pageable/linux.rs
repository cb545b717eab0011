//! Pages whose protection follows the thread's IRQL, and the message for who touches them when they may not be.

use std::cell::{Cell, RefCell};
use std::ffi::{CStr, c_int, c_void};
use std::fmt::{self, Write};
use std::ptr::{self, null_mut};
use std::sync::OnceLock;

use crate::irql::{self, Irql};
use crate::verifier::{Rule, Verifier};

/// What stands behind the bytes, up to the end of their last page.
const GUARD: u8 = 0xB7;
/// Bytes of the guard at least.
const LEAST_GUARD: usize = 16;
/// Bytes of a page.
const PAGE: usize = 4096;
/// The signals of a touch.
const SIGNALS: [c_int; 2] = [libc::SIGSEGV, libc::SIGBUS];

/// What the calling thread has lent.
#[derive(Clone, Copy)]
struct Lent {
    start: *mut c_void,
    bytes: usize,
    entry: &'static str,
}

thread_local! {
    /// How many; read first, so that nobody else pays for the list.
    static COUNT: Cell<usize> = const { Cell::new(0) };
    static LENT: RefCell<Vec<Lent>> = const { RefCell::new(Vec::new()) };
}

/// What handled the signals before, in the order of [`SIGNALS`].
static BEFORE: OnceLock<[libc::sigaction; 2]> = OnceLock::new();

/// The calling thread has come to `DISPATCH_LEVEL` or above (`high`), or below.
pub(crate) fn level_changed(high: bool) {
    if COUNT.get() != 0 {
        LENT.with_borrow(|lent| lent.iter().for_each(|lent| protect(lent.start, lent.bytes, !high)));
    }
}

fn protect(start: *mut c_void, bytes: usize, accessible: bool) {
    let protection = if accessible { libc::PROT_READ | libc::PROT_WRITE } else { libc::PROT_NONE };
    // SAFETY: whole pages that `Pages` owns.
    if unsafe { libc::mprotect(start, bytes, protection) } != 0 {
        // A check that silently does not check is worse than none.
        eprintln!("pvgpu: pageable memory cannot be protected");
        std::process::abort();
    }
}

/// Pages of their own for some bytes, lent by the calling thread.
pub(super) struct Pages<'a> {
    verifier: &'a Verifier,
    entry: &'static str,
    start: *mut c_void,
    used: usize,
    bytes: usize,
}

impl<'a> Pages<'a> {
    /// Zero bytes with a guard behind; `None` when the system has no memory.
    pub(super) fn new(verifier: &'a Verifier, entry: &'static str, used: usize) -> Option<Self> {
        install();
        let bytes = used.checked_add(LEAST_GUARD)?.checked_next_multiple_of(PAGE)?;
        let (protection, flags) =
            (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
        // SAFETY: a new mapping at a place of the system's choice.
        let start = unsafe { libc::mmap(null_mut(), bytes, protection, flags, -1, 0) };
        if start == libc::MAP_FAILED {
            return None;
        }
        let guard = start.cast::<u8>().wrapping_add(used);
        // SAFETY: from the end of the bytes to the end of the mapping.
        unsafe { ptr::write_bytes(guard, GUARD, bytes - used) };
        LENT.with_borrow_mut(|lent| lent.push(Lent { start, bytes, entry }));
        COUNT.set(COUNT.get() + 1);
        Some(Self { verifier, entry, start, used, bytes })
    }

    /// Where the bytes begin.
    pub(super) fn start(&self) -> *mut c_void {
        self.start
    }

    /// The call is over: the pages are no longer lent, and the guard must be whole.
    pub(super) fn take_back(&self) {
        COUNT.set(COUNT.get().saturating_sub(1));
        LENT.with_borrow_mut(|lent| lent.retain(|lent| lent.start != self.start));
        protect(self.start, self.bytes, true);
        let guard = self.start.cast::<u8>().wrapping_add(self.used).cast_const();
        // SAFETY: inside the mapping, which is accessible; the call is over, so that nobody writes it.
        let guard = unsafe { std::slice::from_raw_parts(guard, self.bytes - self.used) };
        if let Some(place) = guard.iter().position(|byte| *byte != GUARD) {
            self.verifier.report(Rule::PoolCorruption, self.entry, || {
                format!("byte {} of a pageable buffer of {} bytes was written", self.used + place, self.used)
            });
        }
    }
}

impl Drop for Pages<'_> {
    fn drop(&mut self) {
        // SAFETY: the mapping is this value's, and nobody has its address any more.
        let _unmapped = unsafe { libc::munmap(self.start, self.bytes) };
    }
}

/// Installs the handler, once.
fn install() {
    BEFORE.get_or_init(|| {
        // SAFETY: the structure is plain numbers, for which zeros are values.
        let mut before: [libc::sigaction; 2] = unsafe { std::mem::zeroed() };
        for (&signal, before) in SIGNALS.iter().zip(&mut before) {
            // SAFETY: asks only; the result's place is writable.
            let _asked = unsafe { libc::sigaction(signal, null_mut(), before) };
        }
        before
    });
    static INSTALLED: OnceLock<()> = OnceLock::new();
    INSTALLED.get_or_init(|| {
        // SAFETY: as above.
        let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
        action.sa_sigaction = on_fault as *const c_void as usize;
        action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
        for signal in SIGNALS {
            // SAFETY: the handler has the signature of SA_SIGINFO. Without it a touch still ends the process.
            let _installed = unsafe { libc::sigaction(signal, &raw const action, null_mut()) };
        }
    });
}

/// The handler: describes a touch of what this thread has lent; other faults go to whoever handled them before.
extern "C" fn on_fault(signal: c_int, info: *mut libc::siginfo_t, context: *mut c_void) {
    // The list is only looked at when the thread has used it: a handler must not be the first to do so.
    if COUNT.get() != 0 {
        // SAFETY: the system passes the signal's information to handlers with SA_SIGINFO.
        let info = unsafe { &*info };
        // SAFETY: both signals have an address.
        let address = unsafe { info.si_addr() }.addr();
        let touched = LENT.with(|lent| {
            let lent = lent.try_borrow().ok()?;
            lent.iter()
                .find(|lent| (lent.start.addr()..lent.start.addr() + lent.bytes).contains(&address))
                .copied()
        });
        if let Some(lent) = touched {
            report(lent, address, instruction(context));
            // Whoever knows the driver's image says more.
            pass_on(signal, info, context);
            std::process::abort();
        }
    }
    pass_on(signal, info, context);
}

/// Where the thread was.
#[cfg(target_arch = "x86_64")]
fn instruction(context: *mut c_void) -> usize {
    // SAFETY: the system passes a context to handlers with SA_SIGINFO.
    let context = unsafe { &*context.cast::<libc::ucontext_t>() };
    // CAST: register numbers are small; the register holds an address.
    context.uc_mcontext.gregs[libc::REG_RIP as usize] as usize
}

/// Where the thread was: not known here.
#[cfg(not(target_arch = "x86_64"))]
fn instruction(_context: *mut c_void) -> usize {
    0
}

fn report(lent: Lent, address: usize, instruction: usize) {
    let level = match irql::current() {
        Irql::Passive => "PASSIVE_LEVEL",
        Irql::Apc => "APC_LEVEL",
        Irql::Dispatch => "DISPATCH_LEVEL",
        Irql::Device => "the device's level",
    };
    let mut text = Text { bytes: [0; 512], length: 0 };
    let offset = address - lent.start.addr();
    let _fits = write!(
        text,
        "pvgpu: pageable memory touched at {level} in {}: byte {offset} of a buffer, by the instruction at {instruction:#x}",
        lent.entry
    );
    // SAFETY: the structure is plain pointers, for which zeros are values.
    let mut module: libc::Dl_info = unsafe { std::mem::zeroed() };
    let place = ptr::without_provenance(instruction);
    // SAFETY: only compares the address with those of the loaded modules.
    let found = unsafe { libc::dladdr(place, &raw mut module) } != 0;
    if found && !module.dli_fname.is_null() {
        // SAFETY: the module's name is terminated and stays as long as the module is loaded.
        let name = unsafe { CStr::from_ptr(module.dli_fname) };
        let offset = instruction.wrapping_sub(module.dli_fbase.addr());
        let _fits = write!(text, " ({} offset {offset:#x})", name.to_str().unwrap_or("the linked driver"));
    }
    let _fits = text.write_str("\n");
    // SAFETY: the bytes are readable; the descriptor is standard error.
    let _written = unsafe { libc::write(2, text.bytes.as_ptr().cast(), text.length) };
}

/// Hands a fault to whoever handled it before.
fn pass_on(signal: c_int, info: *const libc::siginfo_t, context: *mut c_void) {
    let index = SIGNALS.iter().position(|&one| one == signal);
    let Some(before) = index.and_then(|index| BEFORE.get()?.get(index)) else { return };
    let is_function = before.sa_sigaction != libc::SIG_DFL && before.sa_sigaction != libc::SIG_IGN;
    if is_function && before.sa_flags & libc::SA_SIGINFO != 0 {
        // SAFETY: it was installed as a handler with SA_SIGINFO.
        let handler = unsafe {
            std::mem::transmute::<usize, extern "C" fn(c_int, *const libc::siginfo_t, *mut c_void)>(
                before.sa_sigaction,
            )
        };
        handler(signal, info, context);
        return;
    }
    // The default, then: the instruction faults again when this handler returns, and ends the process.
    // SAFETY: puts back what the system itself gave.
    let _restored = unsafe { libc::sigaction(signal, before, null_mut()) };
}

/// Text without allocation.
struct Text {
    bytes: [u8; 512],
    length: usize,
}

impl Write for Text {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let end = self.length + text.len();
        let place = self.bytes.get_mut(self.length..end).ok_or(fmt::Error)?;
        place.copy_from_slice(text.as_bytes());
        self.length = end;
        Ok(())
    }
}
