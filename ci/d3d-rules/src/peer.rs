//! The other process of the rules about several: the same program, which does what lines on its standard input say.
//!
//! Each line is a word and numbers; each gets one line as its answer: numbers, or `error` and a code.
#![expect(unsafe_code, reason = "Direct3D has no safe interface")]

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use windows::Win32::Foundation::{E_FAIL, E_INVALIDARG, HANDLE};
use windows::Win32::Graphics::Direct3D11::*;
use windows::Win32::Graphics::Dxgi::*;
use windows::core::{Error, HRESULT, HSTRING, Interface, Result};

use crate::device;
use crate::rules::sharing::{READ_WRITE, acquire, desc, fill, last_level, open};

/// The argument that makes the program a peer.
pub const ARGUMENT: &str = "--peer";

/// A peer, from the other side.
pub struct Peer {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

fn failed(_: std::io::Error) -> Error {
    Error::from_hresult(E_FAIL)
}

impl Peer {
    /// Starts one.
    ///
    /// # Errors
    /// `E_FAIL`.
    pub fn start() -> Result<Self> {
        let program = std::env::current_exe().map_err(failed)?;
        let mut command = Command::new(program);
        command.arg(ARGUMENT).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().map_err(failed)?;
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(Error::from_hresult(E_FAIL));
        };
        Ok(Self { child, input, output: BufReader::new(output) })
    }

    /// Has it begin something.
    ///
    /// # Errors
    /// `E_FAIL` when it is gone.
    pub fn tell(&mut self, line: &str) -> Result<()> {
        writeln!(self.input, "{line}").and_then(|()| self.input.flush()).map_err(failed)
    }

    /// What came of it.
    ///
    /// # Errors
    /// What it met; `E_FAIL` when it is gone.
    pub fn answer(&mut self) -> Result<u64> {
        let mut line = String::new();
        self.output.read_line(&mut line).map_err(failed)?;
        let mut words = line.split_whitespace();
        match (words.next(), words.next().map(str::parse)) {
            (Some("error"), Some(Ok(code))) => Err(Error::from_hresult(HRESULT(code))),
            (Some(number), None) => number.parse().map_err(|_| Error::from_hresult(E_FAIL)),
            _ => Err(Error::from_hresult(E_FAIL)),
        }
    }

    /// Has it do something, and waits for that.
    ///
    /// # Errors
    /// As for [`Peer::answer`].
    pub fn ask(&mut self, line: &str) -> Result<u64> {
        self.tell(line)?;
        self.answer()
    }

    /// Its process.
    pub fn process(&self) -> HANDLE {
        HANDLE(std::os::windows::io::AsRawHandle::as_raw_handle(&self.child))
    }

    /// Ends it in the middle of whatever it does.
    ///
    /// # Errors
    /// `E_FAIL`.
    pub fn kill(mut self) -> Result<()> {
        self.child.kill().and_then(|()| self.child.wait()).map(|_| ()).map_err(failed)
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // Fails when it is gone.
        let _killed = self.child.kill();
        let _waited = self.child.wait();
    }
}

/// What a peer has.
struct State {
    device: ID3D11Device,
    image: Option<ID3D11Texture2D>,
}

/// Is a peer until its input ends.
///
/// # Errors
/// What keeps it from being one.
pub fn run() -> Result<()> {
    let mut state = State { device: device::device()?, image: None };
    for line in std::io::stdin().lines().map_while(std::result::Result::ok) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let answer = match state.execute(&words) {
            Ok(number) => number.to_string(),
            Err(error) => format!("error {}", error.code().0),
        };
        println!("{answer}");
        let _flushed = std::io::stdout().flush();
    }
    Ok(())
}

impl State {
    fn image(&self) -> Result<&ID3D11Texture2D> {
        self.image.as_ref().ok_or_else(|| Error::from_hresult(E_FAIL))
    }

    fn mutex(&self) -> Result<IDXGIKeyedMutex> {
        self.image()?.cast()
    }

    fn execute(&mut self, words: &[&str]) -> Result<u64> {
        let number = |index: usize| -> Result<u64> {
            let word = words.get(index).and_then(|word| word.parse().ok());
            word.ok_or_else(|| Error::from_hresult(E_INVALIDARG))
        };
        // CAST: handles are numbers of a process; flags, keys and colours were 32 bits when they were written.
        let handle = || number(1).map(|handle| HANDLE(std::ptr::without_provenance_mut(handle as usize)));
        match words.first().copied().unwrap_or_default() {
            "share" => {
                let image = device::texture(&self.device, &desc(number(1)? as u32))?;
                // SAFETY: the texture is alive.
                let handle = unsafe { image.cast::<IDXGIResource>()?.GetSharedHandle() }?;
                self.image = Some(image);
                Ok(handle.0.addr() as u64)
            }
            "open" => {
                self.image = None;
                self.image = Some(open(&self.device, handle()?)?);
                Ok(0)
            }
            "open-nt" => {
                let device: ID3D11Device1 = self.device.cast()?;
                // SAFETY: any handle is allowed.
                self.image = Some(unsafe { device.OpenSharedResource1(handle()?) }?);
                Ok(0)
            }
            "open-name" => {
                let device: ID3D11Device1 = self.device.cast()?;
                let name = HSTRING::from(words.get(1).copied().unwrap_or_default());
                // SAFETY: the name is zero-terminated.
                self.image = Some(unsafe { device.OpenSharedResourceByName(&name, READ_WRITE) }?);
                Ok(0)
            }
            "fill" => fill(&self.device, self.image()?, number(1)? as u32).map(|()| 0),
            "read" => last_level(&self.device, self.image()?).map(u64::from),
            "acquire" => Ok(acquire(&self.mutex()?, number(1)?, number(2)? as u32).0 as u64),
            // SAFETY: the mutex is alive.
            "release" => unsafe { self.mutex()?.ReleaseSync(number(1)?) }.map(|()| 0),
            "turns" => self.turns(number(1)?, number(2)?),
            "drop" => {
                self.image = None;
                Ok(0)
            }
            _ => Err(Error::from_hresult(E_INVALIDARG)),
        }
    }

    /// Takes the mutex by odd keys, gives it back by even ones, and paints what it found one higher.
    fn turns(&self, count: u64, first: u64) -> Result<u64> {
        let (image, mutex) = (self.image()?, self.mutex()?);
        for turn in 0..count {
            let key = first + 2 * turn;
            let acquired = acquire(&mutex, key, 20_000);
            if acquired.0 != 0 {
                return Err(Error::from_hresult(acquired));
            }
            // CAST: turns are few.
            fill(&self.device, image, 0xff00_0000 | key as u32)?;
            // SAFETY: the mutex is alive.
            unsafe { mutex.ReleaseSync(key + 1) }?;
        }
        Ok(count)
    }
}
