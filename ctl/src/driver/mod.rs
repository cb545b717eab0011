//! The commands on Windows: they ask the kernel-mode driver, by escapes through the system's thunks.

mod state;

use std::fmt;
use std::time::Duration;

use pvgpu_control::TailRecord;
use pvgpu_protocol::kernel_interface::{
    AdapterStatus, INTERFACE_VERSION, PrivateData, PrivateDataError, ReadTelemetry, SetMode,
};
use pvgpu_protocol::mode::DisplayMode;
use pvgpu_thunks::{Adapter, NtStatus, ThunkError, Thunks};

use crate::error::Error;
use crate::options::Command;
use crate::output::{print, print_json, print_over};
use crate::tail;
use state::DriverStatus;

/// How often `status --watch` looks again.
const WATCH_INTERVAL: Duration = Duration::from_secs(1);
/// How often `tail` looks for new records once it has read all. The driver keeps some thousands, so none is lost while it
/// writes fewer than that in the meantime.
const TAIL_INTERVAL: Duration = Duration::from_millis(100);

/// Why the driver cannot be asked, or will not.
#[derive(Debug)]
pub enum DriverError {
    /// The system cannot be asked for drivers at all, or a call failed.
    Thunks(ThunkError),
    /// No adapter is ours.
    NoAdapter {
        /// How many others there are.
        others: usize,
    },
    /// There are several.
    WhichAdapter {
        /// How many.
        count: usize,
    },
    /// There are not so many.
    NoSuchAdapter {
        /// Which was asked for.
        asked: usize,
        /// How many there are.
        count: usize,
    },
    /// The driver refuses the question itself: it is of another package.
    OtherPackage,
    /// The driver's answer is none.
    Answer(PrivateDataError),
    /// The driver does not take the mode.
    Mode {
        /// Which one.
        mode: DisplayMode,
        /// What the driver returned.
        status: NtStatus,
    },
}

impl fmt::Display for DriverError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Thunks(error) => write!(f, "the display driver cannot be asked: {error}"),
            Self::NoAdapter { others: 0 } => f.write_str("this machine shows no display adapter at all"),
            Self::NoAdapter { others } => write!(
                f,
                "none of this machine's {others} display adapters uses the pvgpu driver; is it installed and started?"
            ),
            Self::WhichAdapter { count } => {
                write!(f, "there are {count} pvgpu adapters; choose one with --adapter 0 to {}", count - 1)
            }
            Self::NoSuchAdapter { asked, count } => {
                write!(f, "there is no pvgpu adapter {asked}, there are {count}, counted from 0")
            }
            Self::OtherPackage => write!(
                f,
                "the driver does not understand this program (interface version {INTERFACE_VERSION}): they are not of one package"
            ),
            Self::Answer(error) => write!(f, "the driver's answer makes no sense: {error}"),
            Self::Mode { mode: DisplayMode::NONE, status } => {
                write!(f, "the driver keeps its custom mode: {} ({status:?})", status.meaning())
            }
            Self::Mode { mode, status } => match *status {
                NtStatus::NO_VIDEO_MEMORY => {
                    write!(
                        f,
                        "two frames of {mode} do not fit into the aperture; give it more (ApertureSize)"
                    )
                }
                status => write!(f, "the driver does not offer {mode}: {} ({status:?})", status.meaning()),
            },
        }
    }
}

impl From<DriverError> for Error {
    fn from(error: DriverError) -> Self {
        Self::Driver(error)
    }
}

impl From<ThunkError> for DriverError {
    fn from(error: ThunkError) -> Self {
        Self::Thunks(error)
    }
}

/// Carries a command out that the driver must answer.
///
/// # Errors
/// [`Error::Driver`] is a sentence; [`Error::Output`] when nobody reads any more.
pub fn ask(thunks: &dyn Thunks, adapter: Option<usize>, command: &Command) -> Result<(), Error> {
    match command {
        Command::Status { json, watch } => status(thunks, adapter, *json, *watch),
        Command::Tail { json, filter } => {
            let adapters = ours(thunks)?;
            let adapter = chosen(&adapters, adapter)?;
            let mut cursor = Cursor::default();
            loop {
                if !read(adapter, &mut cursor, |record| tail::show(&record, *json, filter))? {
                    std::thread::sleep(TAIL_INTERVAL);
                }
            }
        }
        Command::Mode { mode, .. } => {
            let adapters = ours(thunks)?;
            set_mode(chosen(&adapters, adapter)?, *mode)?;
            match mode {
                Some(mode) => print(&format!("the adapter offers {mode} now")),
                None => print("the adapter has no custom mode any more"),
            }
        }
        // Not reached: these need no driver, or are the host's.
        Command::Help
        | Command::Version
        | Command::Link { .. }
        | Command::Config { .. }
        | Command::Cables
        | Command::Offer
        | Command::Pair { .. }
        | Command::Peers { .. }
        | Command::Forget { .. }
        | Command::Install(_)
        | Command::Screenshot { .. }
        | Command::Record(_) => Ok(()),
    }
}

/// The open adapters that use our driver.
fn ours(thunks: &dyn Thunks) -> Result<Vec<Adapter<'_>>, DriverError> {
    let (adapters, others) = Adapter::ours(thunks)?;
    if adapters.is_empty() { Err(DriverError::NoAdapter { others }) } else { Ok(adapters) }
}

/// The adapter that was asked for; the only one when none was.
fn chosen<'a, 't>(adapters: &'a [Adapter<'t>], asked: Option<usize>) -> Result<&'a Adapter<'t>, DriverError> {
    let count = adapters.len();
    match asked {
        None if count > 1 => Err(DriverError::WhichAdapter { count }),
        None => adapters.first().ok_or(DriverError::NoAdapter { others: 0 }),
        Some(asked) => adapters.get(asked).ok_or(DriverError::NoSuchAdapter { asked, count }),
    }
}

/// Sends an escape and checks that the answer is one.
fn escape<T: PrivateData>(adapter: &Adapter<'_>, request: T) -> Result<T, DriverError> {
    let answer = adapter.escape(request).map_err(|error| match error.status() {
        Some(NtStatus::INVALID_PARAMETER | NtStatus::NOT_SUPPORTED) => DriverError::OtherPackage,
        _ => DriverError::Thunks(error),
    })?;
    answer.header().check(T::KIND).map_err(DriverError::Answer)?;
    Ok(answer)
}

fn status(thunks: &dyn Thunks, asked: Option<usize>, json: bool, watch: bool) -> Result<(), Error> {
    loop {
        let status = look(thunks, asked)?;
        if json {
            return print_json(&status);
        }
        let page = status.page();
        if !watch {
            return print(page.trim_end());
        }
        print_over(&page)?;
        std::thread::sleep(WATCH_INTERVAL);
    }
}

/// The state of one adapter, or of all.
fn look(thunks: &dyn Thunks, asked: Option<usize>) -> Result<DriverStatus, DriverError> {
    let adapters = ours(thunks)?;
    let shown = match asked {
        None => adapters.iter().collect(),
        asked => vec![chosen(&adapters, asked)?],
    };
    let answers = shown.into_iter().map(|adapter| escape(adapter, AdapterStatus::new()));
    Ok(DriverStatus::new(&answers.collect::<Result<Vec<_>, _>>()?))
}

/// Where a reader of trace records is.
#[derive(Clone, Copy, Debug, Default)]
struct Cursor {
    /// The next record's number.
    next: u64,
    /// Records that were overwritten before they could be read.
    dropped: u64,
}

/// Gives each record since the cursor to `show`; false when there is nothing new. A driver leaves out what the caller may not
/// see, so that there may be something new and nothing shown.
fn read(
    adapter: &Adapter<'_>,
    cursor: &mut Cursor,
    mut show: impl FnMut(TailRecord) -> Result<(), Error>,
) -> Result<bool, Error> {
    let answer = escape(adapter, ReadTelemetry::new(cursor.next))?;
    // What was overwritten before anybody looked is no loss: a reader begins with what there is.
    if answer.dropped != 0 && cursor.next != 0 {
        cursor.dropped = cursor.dropped.saturating_add(answer.dropped);
        let time_ns = answer.given().next().map_or(0, |record| record.time_ns);
        show(TailRecord::of_drops(time_ns, answer.dropped, cursor.dropped))?;
    }
    for record in answer.given() {
        show(TailRecord::of_driver(record))?;
    }
    let moved = answer.cursor != cursor.next;
    cursor.next = answer.cursor;
    Ok(moved)
}

/// Asks for a custom mode; `None` takes it away.
fn set_mode(adapter: &Adapter<'_>, mode: Option<DisplayMode>) -> Result<(), DriverError> {
    let mode = mode.unwrap_or(DisplayMode::NONE);
    match adapter.escape(SetMode::new(mode)) {
        Ok(_) => Ok(()),
        Err(ThunkError::Call { status, .. }) => Err(DriverError::Mode { mode, status }),
        Err(error) => Err(DriverError::Thunks(error)),
    }
}

#[cfg(test)]
mod tests;
