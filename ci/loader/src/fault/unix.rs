//! Faults as signals: continues at the image's handler where there is one, else says where the image faulted and ends the process.
//!
//! Only faults of instructions of an image are touched; all others go to whoever handled them before. The handler allocates
//! nothing and takes no lock.
#![expect(unsafe_code, reason = "handles signals, and changes where a thread continues")]

use std::ffi::{c_int, c_void};
use std::fmt::{self, Write};
use std::ops::Range;
use std::ptr::{null_mut, with_exposed_provenance};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicPtr, Ordering};

use crate::LoadError;
use crate::memory::Memory;
use crate::unwind::Scope;

/// What a processor's exception becomes.
const SIGNALS: [c_int; 4] = [libc::SIGSEGV, libc::SIGBUS, libc::SIGILL, libc::SIGTRAP];
/// How many images can be loaded at once.
const IMAGES: usize = 16;
/// How many return addresses a report lists.
const CALLERS: usize = 12;
/// How far up the stack they are looked for, in words.
const STACK_WORDS: usize = 512;

/// The loaded images. A place is free while it is null.
static LOADED: [AtomicPtr<Guarded>; IMAGES] = [const { AtomicPtr::new(null_mut()) }; IMAGES];
/// What handled the signals before, in the order of [`SIGNALS`].
static BEFORE: OnceLock<[libc::sigaction; 4]> = OnceLock::new();

/// What the handler knows about an image.
struct Guarded {
    name: String,
    addresses: Range<usize>,
    scopes: Vec<Scope>,
}

/// An image whose faults are handled, until this is dropped.
#[derive(Debug)]
pub struct Registration {
    place: usize,
}

/// An address for the import of `__C_specific_handler`, which nobody calls here: the tables that name it are read instead.
pub fn specific_handler() -> *const c_void {
    extern "win64" fn never_called() -> ! {
        std::process::abort()
    }
    never_called as *const c_void
}

/// Handles the image's faults from now on.
///
/// # Errors
/// [`LoadError::Exceptions`] if too many images are loaded, or the system takes no handler.
pub fn register(
    name: &str,
    memory: &Memory,
    functions: Range<usize>,
    scopes: &[Scope],
) -> Result<Registration, LoadError> {
    // The scopes were read from them.
    let _ = functions;
    install()?;
    let addresses = memory.address()..memory.address() + memory.bytes();
    let guarded = Box::new(Guarded { name: name.to_owned(), addresses, scopes: scopes.to_vec() });
    let guarded = Box::into_raw(guarded);
    for (place, slot) in LOADED.iter().enumerate() {
        // Release: the handler sees what the pointer points to.
        if slot.compare_exchange(null_mut(), guarded, Ordering::Release, Ordering::Relaxed).is_ok() {
            return Ok(Registration { place });
        }
    }
    // SAFETY: it came from a box a few lines up, and nobody else has seen it.
    drop(unsafe { Box::from_raw(guarded) });
    Err(LoadError::Exceptions("too many images are loaded"))
}

impl Drop for Registration {
    fn drop(&mut self) {
        // What it pointed to stays: another thread's handler may be reading it. It is a few hundred bytes.
        if let Some(slot) = LOADED.get(self.place) {
            slot.store(null_mut(), Ordering::Relaxed);
        }
    }
}

/// Installs the handler, once.
fn install() -> Result<(), LoadError> {
    static FAILED: OnceLock<bool> = OnceLock::new();
    let failed = *FAILED.get_or_init(|| {
        // SAFETY: the structure is plain numbers, for which zeros are values.
        let mut before: [libc::sigaction; 4] = unsafe { std::mem::zeroed() };
        for (&signal, before) in SIGNALS.iter().zip(&mut before) {
            // SAFETY: asks only; the result's place is writable.
            if unsafe { libc::sigaction(signal, null_mut(), before) } != 0 {
                return true;
            }
        }
        // Before the first handler can run.
        let _first = BEFORE.set(before);
        // SAFETY: see above.
        let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
        action.sa_sigaction = on_fault as *const c_void as usize;
        action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
        // SAFETY: the handler has the signature of SA_SIGINFO, and calls nothing that a signal handler must not.
        SIGNALS.iter().any(|&signal| unsafe { libc::sigaction(signal, &raw const action, null_mut()) } != 0)
    });
    if failed { Err(LoadError::Exceptions("the system takes no signal handler")) } else { Ok(()) }
}

/// The handler.
extern "C" fn on_fault(signal: c_int, info: *mut libc::siginfo_t, context: *mut c_void) {
    // SAFETY: the system passes a context to handlers with SA_SIGINFO, and it is this thread's alone.
    let context_ref = unsafe { &mut *context.cast::<libc::ucontext_t>() };
    let registers = &mut context_ref.uc_mcontext.gregs;
    // CAST: register numbers are small; a register holds an address.
    let instruction = registers[libc::REG_RIP as usize] as usize;
    for slot in &LOADED {
        let image = slot.load(Ordering::Acquire);
        // SAFETY: null or a box that is never freed.
        let Some(image) = (unsafe { image.as_ref() }) else { continue };
        if !image.addresses.contains(&instruction) {
            continue;
        }
        let offset = instruction - image.addresses.start;
        if let Some(scope) = image.scopes.iter().find(|scope| scope.instructions.contains(&offset)) {
            // The handler is in the same function and expects its frame, which is as the instruction had it.
            // CAST: an address into a register.
            registers[libc::REG_RIP as usize] = (image.addresses.start + scope.target) as i64;
            return;
        }
        // SAFETY: the system passes the signal's information to handlers with SA_SIGINFO.
        let described = unsafe { &*info };
        // SAFETY: the signals of `SIGNALS` have an address.
        let address = unsafe { described.si_addr() };
        // CAST: as above.
        report(image, signal, offset, address.addr(), registers[libc::REG_RSP as usize] as usize);
        // Whoever made the memory inaccessible may say why.
        pass_on(signal, info, context);
        std::process::abort();
    }
    pass_on(signal, info, context);
}

/// Hands a fault of somebody else to whoever handled it before.
fn pass_on(signal: c_int, info: *mut libc::siginfo_t, context: *mut c_void) {
    let index = SIGNALS.iter().position(|&one| one == signal);
    let before = index.and_then(|index| BEFORE.get()?.get(index));
    let Some(before) = before else { return };
    if before.sa_sigaction != libc::SIG_DFL
        && before.sa_sigaction != libc::SIG_IGN
        && before.sa_flags & libc::SA_SIGINFO != 0
    {
        // SAFETY: it was installed as a handler with SA_SIGINFO.
        let handler = unsafe {
            std::mem::transmute::<usize, extern "C" fn(c_int, *mut libc::siginfo_t, *mut c_void)>(
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

/// Says which instruction faulted, and what on the stack looks like its callers.
fn report(image: &Guarded, signal: c_int, offset: usize, address: usize, stack: usize) {
    let mut text = Text { bytes: [0; 1024], length: 0 };
    let _fits = writeln!(
        text,
        "{}: signal {signal} at offset {offset:#x}, accessing {address:#x}; return addresses may be:",
        image.name
    );
    // A kernel image calls with an aligned stack; a broken one is not looked at.
    if stack.is_multiple_of(8) {
        let mut found = 0;
        for word in 0..STACK_WORDS {
            let place = with_exposed_provenance::<usize>(stack + 8 * word);
            // SAFETY: it lies on the faulting thread's stack or on the pages above it; should those end, the process ends a
            // moment earlier than it does anyway, without this list.
            let value = unsafe { place.read_volatile() };
            if image.addresses.contains(&value) && found < CALLERS {
                found += 1;
                let _fits = write!(text, " {:#x}", value - image.addresses.start);
            }
            if found == CALLERS {
                break;
            }
        }
    }
    let _fits = text.write_str("\n");
    // SAFETY: the bytes are readable; the descriptor is standard error.
    let _written = unsafe { libc::write(2, text.bytes.as_ptr().cast(), text.length) };
}

/// Text without allocation.
struct Text {
    bytes: [u8; 1024],
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
