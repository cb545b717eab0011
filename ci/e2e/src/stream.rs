//! Two stream devices and the cable between them, as files of a FUSE file system: what opens, reads, writes and polls them does so with
//! the system calls that it uses on `/dev/tbstreamN`.
//!
//! The files have the habits of Linux' driver as `docs/thunderbolt.md` has them: one frame for each write, whole or not at all; a read
//! gives whole and part frames; a frame to an end that is not open is lost; closing sends a close frame, which is said once; a pulled
//! cable makes everything `ENXIO` and a poll `POLLHUP`, and the files are gone.

use std::collections::VecDeque;
use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use pvgpu_xtask::paths;
use rustix::io::Errno;

/// Frames in each ring, as the driver has by default.
const RING: usize = 256;
/// Bytes of a frame.
const FRAME_BYTES: usize = 4096;
/// Bytes of the largest request: a write with its headers.
const REQUEST_BYTES: usize = 1 << 17;

/// `enum fuse_opcode` of `linux/fuse.h`.
mod opcode {
    pub const LOOKUP: u32 = 1;
    pub const FORGET: u32 = 2;
    pub const GETATTR: u32 = 3;
    pub const OPEN: u32 = 14;
    pub const READ: u32 = 15;
    pub const WRITE: u32 = 16;
    pub const RELEASE: u32 = 18;
    pub const FLUSH: u32 = 25;
    pub const INIT: u32 = 26;
    pub const INTERRUPT: u32 = 36;
    pub const POLL: u32 = 40;
    pub const BATCH_FORGET: u32 = 42;
}

/// `FUSE_KERNEL_VERSION`, and a minor version whose structures these are.
const VERSION: [u32; 2] = [7, 31];
const ROOT: u64 = 1;
/// `FOPEN_DIRECT_IO | FOPEN_NONSEEKABLE | FOPEN_STREAM`.
const OPEN_FLAGS: u32 = 1 | 4 | 16;
/// `FUSE_NOTIFY_POLL`.
const NOTIFY_POLL: i32 = 1;
const POLLIN: u32 = 1;
const POLLOUT: u32 = 4;
const POLLHUP: u32 = 16;

/// A frame on its way; an empty one says "closed".
type Frame = Vec<u8>;

/// What one end sends.
#[derive(Debug, Default)]
struct Direction {
    frames: VecDeque<Frame>,
    /// Bytes of the first frame that were read.
    offset: usize,
}

/// One end's device.
#[derive(Debug, Default)]
struct Device {
    is_open: bool,
    /// Whom the kernel wants woken, by its handle for the poll.
    polls: Vec<u64>,
}

#[derive(Debug, Default)]
struct State {
    is_plugged: bool,
    /// How often the cable was plugged in: files of an earlier time are gone for good.
    plugged: u64,
    directions: [Direction; 2],
    devices: [Device; 2],
}

/// Two devices and the cable between them, which is in at first.
#[derive(Debug)]
pub struct Stream {
    state: Arc<Mutex<State>>,
    connection: Arc<File>,
    folder: PathBuf,
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Stream {
    /// Makes both devices. None where this user may not mount a file system, which is said.
    ///
    /// # Panics
    /// If something else fails.
    pub fn new(name: &str) -> Option<Self> {
        let folder = paths::target("e2e/streams").join(format!("{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("a folder");
        let connection = match OpenOptions::new().read(true).write(true).open("/dev/fuse") {
            Ok(connection) => connection,
            Err(error) => {
                eprintln!("not checked here: /dev/fuse: {error}");
                return None;
            }
        };
        // The kernel takes the connection from `mount`, whose standard input it is.
        let options = "fd=0,rootmode=40000,user_id=0,group_id=0,allow_other";
        let mut mount = Command::new("mount");
        mount.args(["-i", "-t", "fuse", "-o", options, "pvgpu-tbstream"]).arg(&folder);
        let input = connection.try_clone().expect("another descriptor");
        let output = mount.stdin(Stdio::from(input)).output().expect("mount starts");
        if !output.status.success() {
            let text = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(!rustix::process::geteuid().is_root(), "{text}");
            eprintln!("not checked here: {text}");
            return None;
        }
        let state = Arc::new(Mutex::new(State { is_plugged: true, ..State::default() }));
        let connection = Arc::new(connection);
        let server = Server { state: state.clone(), connection: connection.clone() };
        std::thread::Builder::new().name("fuse".to_owned()).spawn(move || server.serve()).expect("a thread");
        Some(Self { state, connection, folder })
    }

    /// The device of an end, 0 or 1.
    pub fn path(&self, end: usize) -> PathBuf {
        self.folder.join(name(end))
    }

    /// Pulls the cable.
    pub fn pull(&self) {
        let mut state = lock(&self.state);
        state.is_plugged = false;
        wake(&self.connection, &mut state);
    }

    /// Plugs it in again: the devices are others.
    pub fn plug(&self) {
        let mut state = lock(&self.state);
        let plugged = state.plugged + 1;
        *state = State { is_plugged: true, plugged, ..State::default() };
    }

    /// Whether a program has an end's device open.
    pub fn is_open(&self, end: usize) -> bool {
        lock(&self.state).devices[end].is_open
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(&self.folder).status();
        let _ = fs::remove_dir(&self.folder);
    }
}

fn name(end: usize) -> String {
    format!("tbstream{end}")
}

/// Tells the kernel that whoever polls may look again.
fn wake(connection: &File, state: &mut State) {
    for device in &mut state.devices {
        for handle in device.polls.drain(..) {
            let mut notice = Vec::new();
            notice.extend_from_slice(&24_u32.to_ne_bytes());
            notice.extend_from_slice(&NOTIFY_POLL.to_ne_bytes());
            notice.extend_from_slice(&0_u64.to_ne_bytes());
            notice.extend_from_slice(&handle.to_ne_bytes());
            // A poll that is over needs no word.
            let _ = (&mut &*connection).write(&notice);
        }
    }
}

/// The thread that answers the kernel.
struct Server {
    state: Arc<Mutex<State>>,
    connection: Arc<File>,
}

/// What the kernel asks, and its fields by their place.
struct Request<'a> {
    node: u64,
    body: &'a [u8],
}

impl Request<'_> {
    fn u32(&self, place: usize) -> u32 {
        u32::from_ne_bytes(self.body[place..place + 4].try_into().expect("four bytes"))
    }

    fn u64(&self, place: usize) -> u64 {
        u64::from_ne_bytes(self.body[place..place + 8].try_into().expect("eight bytes"))
    }
}

impl Server {
    /// Ends when the file system is unmounted.
    fn serve(&self) {
        let mut bytes = vec![0; REQUEST_BYTES];
        while let Ok(count) = (&mut &*self.connection).read(&mut bytes) {
            let head = Request { node: 0, body: &bytes[..count] };
            let (opcode, unique, node) = (head.u32(4), head.u64(8), head.u64(16));
            let request = Request { node, body: &bytes[40..count] };
            let answer = match opcode {
                opcode::FORGET | opcode::BATCH_FORGET | opcode::INTERRUPT => continue,
                opcode::INIT => Ok(init()),
                opcode::LOOKUP => self.lookup(&request),
                opcode::GETATTR => Ok(attributes(node, &[&0_u64.to_ne_bytes(), &[0; 8]])),
                opcode::OPEN => self.open(&request),
                opcode::READ => self.read(&request),
                opcode::WRITE => self.write(&request),
                opcode::POLL => self.poll(&request),
                opcode::RELEASE => self.release(&request),
                opcode::FLUSH => Ok(Vec::new()),
                _ => Err(Errno::NOSYS),
            };
            let (error, answer) = match answer {
                Ok(answer) => (0, answer),
                Err(error) => (-error.raw_os_error(), Vec::new()),
            };
            let length = u32::try_from(16 + answer.len()).expect("some KiB");
            let head = [&length.to_ne_bytes()[..], &error.to_ne_bytes(), &unique.to_ne_bytes()].concat();
            // One that was interrupted is not waited for any more.
            let _ = (&mut &*self.connection).write(&[head, answer].concat());
        }
    }

    fn lookup(&self, request: &Request<'_>) -> Result<Vec<u8>, Errno> {
        let state = lock(&self.state);
        let asked = request.body.strip_suffix(&[0]).unwrap_or_default();
        let end =
            (0..2).find(|end| name(*end).as_bytes() == asked && state.is_plugged).ok_or(Errno::NOENT)?;
        let node = 2 + 2 * state.plugged + end as u64;
        // Node and generation; what is found is not to be kept.
        Ok(attributes(node, &[&node.to_ne_bytes(), &[0; 32]]))
    }

    /// The end that a file is, if it is of the cable that is in.
    fn end(state: &State, request: &Request<'_>) -> Result<usize, Errno> {
        let is_of_now = state.is_plugged && request.node.wrapping_sub(2) / 2 == state.plugged;
        is_of_now.then_some((request.node % 2) as usize).ok_or(Errno::NXIO)
    }

    fn open(&self, request: &Request<'_>) -> Result<Vec<u8>, Errno> {
        if request.node == ROOT {
            return Err(Errno::ISDIR);
        }
        let mut state = lock(&self.state);
        let end = Self::end(&state, request)?;
        if std::mem::replace(&mut state.devices[end].is_open, true) {
            return Err(Errno::BUSY);
        }
        state.directions[1 - end] = Direction::default();
        Ok([&0_u64.to_ne_bytes()[..], &OPEN_FLAGS.to_ne_bytes(), &[0; 4]].concat())
    }

    fn release(&self, request: &Request<'_>) -> Result<Vec<u8>, Errno> {
        let mut state = lock(&self.state);
        if let Ok(end) = Self::end(&state, request) {
            state.devices[end].is_open = false;
            if state.devices[1 - end].is_open && state.directions[end].frames.len() < RING {
                state.directions[end].frames.push_back(Frame::new());
            }
            wake(&self.connection, &mut state);
        }
        Ok(Vec::new())
    }

    fn read(&self, request: &Request<'_>) -> Result<Vec<u8>, Errno> {
        let room = request.u32(16) as usize;
        let mut state = lock(&self.state);
        let end = Self::end(&state, request)?;
        let Direction { frames, offset } = &mut state.directions[1 - end];
        if frames.is_empty() {
            return Err(Errno::AGAIN);
        }
        let mut bytes = Vec::new();
        // The driver compares what it has read with what is left of the buffer, so that it stops at about the middle.
        while bytes.len() < room - bytes.len() {
            match frames.front() {
                Some(frame) if !frame.is_empty() => {
                    let left = &frame[*offset..];
                    let count = left.len().min(room - 2 * bytes.len());
                    bytes.extend_from_slice(&left[..count]);
                    *offset += count;
                    if *offset == frame.len() {
                        frames.pop_front();
                        *offset = 0;
                    }
                }
                Some(_) if bytes.is_empty() => {
                    frames.pop_front();
                    break;
                }
                _ => break,
            }
        }
        wake(&self.connection, &mut state);
        Ok(bytes)
    }

    fn write(&self, request: &Request<'_>) -> Result<Vec<u8>, Errno> {
        let frame = &request.body[40..];
        if !(1..=FRAME_BYTES).contains(&frame.len()) || frame.len() != request.u32(16) as usize {
            return Err(Errno::INVAL);
        }
        let mut state = lock(&self.state);
        let end = Self::end(&state, request)?;
        if state.directions[end].frames.len() >= RING {
            return Err(Errno::AGAIN);
        }
        if state.devices[1 - end].is_open {
            state.directions[end].frames.push_back(frame.to_vec());
        }
        wake(&self.connection, &mut state);
        Ok([request.u32(16).to_ne_bytes(), [0; 4]].concat())
    }

    fn poll(&self, request: &Request<'_>) -> Result<Vec<u8>, Errno> {
        let (handle, wants_notice) = (request.u64(8), request.u32(16) & 1 != 0);
        let mut state = lock(&self.state);
        let events = match Self::end(&state, request) {
            Err(_) => POLLHUP,
            Ok(end) => {
                if wants_notice {
                    state.devices[end].polls.push(handle);
                }
                let readable = !state.directions[1 - end].frames.is_empty();
                let writable = state.directions[end].frames.len() < RING;
                (u32::from(readable) * POLLIN) | (u32::from(writable) * POLLOUT)
            }
        };
        Ok([events.to_ne_bytes(), [0; 4]].concat())
    }
}

/// `struct fuse_init_out`.
fn init() -> Vec<u8> {
    let mut words = [0_u32; 16];
    words[..2].copy_from_slice(&VERSION);
    // The largest write, and a time's grain of 1 ns.
    words[5..7].copy_from_slice(&[FRAME_BYTES as u32, 1]);
    words.iter().flat_map(|word| word.to_ne_bytes()).collect()
}

/// What comes in front of attributes in an answer, and `struct fuse_attr`.
fn attributes(node: u64, front: &[&[u8]]) -> Vec<u8> {
    let mode: u32 = if node == ROOT { 0o040_755 } else { 0o100_666 };
    let times_and_mode = [0, 0, 0, mode, 1, 0, 0, 0, FRAME_BYTES as u32, 0];
    let mut bytes = front.concat();
    bytes.extend([node, 0, 0, 0, 0, 0].iter().flat_map(|word| word.to_ne_bytes()));
    bytes.extend(times_and_mode.iter().flat_map(|word: &u32| word.to_ne_bytes()));
    bytes
}
