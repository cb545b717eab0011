//! The other end of a compiler's pipes: starts the process, asks, and starts it anew after a crash or a hang.

use std::fmt;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::message::Message;
use super::{Module, TIME, TRANSLATE, Time, times, translation};

/// A translation that takes longer hangs: a hundred times what the issue calls a hang, for busy machines and debug builds.
const PATIENCE: Duration = Duration::from_secs(100);

/// A compiler that runs as a process.
pub struct Process {
    program: PathBuf,
    running: Option<Running>,
}

struct Running {
    child: Child,
    requests: ChildStdin,
    answers: Receiver<Message>,
    last_words: Option<JoinHandle<String>>,
}

/// Why there is no answer.
#[derive(Debug)]
pub enum Failure {
    /// The process ended instead of answering.
    Crashed {
        /// How it ended.
        status: ExitStatus,
        /// What it printed, in one line: a panic's or an assertion's message.
        last_words: String,
    },
    /// It did not answer in time, and was ended.
    Hung,
    /// It could not be started, or answered nonsense.
    Broken(io::Error),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Crashed { status, last_words } => write!(f, "crashed ({status}): {last_words}"),
            Self::Hung => write!(f, "gave no answer within {} s", PATIENCE.as_secs()),
            Self::Broken(error) => write!(f, "cannot be used: {error}"),
        }
    }
}

impl std::error::Error for Failure {}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Broken(error)
    }
}

impl Process {
    /// The compiler that this program serves. It is started when first asked.
    pub fn new(program: &Path) -> Self {
        Self { program: program.to_owned(), running: None }
    }

    /// Translates one container; the inner error is a refusal in the compiler's words.
    ///
    /// # Errors
    /// [`Failure`]; the next call starts the compiler anew.
    pub fn translate(&mut self, container: &[u8]) -> Result<(Time, Result<Module, String>), Failure> {
        let answer = self.ask(&Message { tag: TRANSLATE, parts: vec![container.to_vec()] })?;
        translation(&answer).ok_or_else(|| nonsense().into())
    }

    /// Translates each container once and tells how long each took.
    ///
    /// # Errors
    /// As [`Self::translate`].
    pub fn time(&mut self, containers: &[Vec<u8>]) -> Result<Vec<Time>, Failure> {
        let answer = self.ask(&Message { tag: TIME, parts: containers.to_vec() })?;
        times(&answer).filter(|times| times.len() == containers.len()).ok_or_else(|| nonsense().into())
    }

    fn ask(&mut self, request: &Message) -> Result<Message, Failure> {
        let running = match &mut self.running {
            Some(running) => running,
            none => none.insert(Running::start(&self.program)?),
        };
        // A process that has crashed does not read; how it ended tells more than the broken pipe.
        let _broken_pipe = request.write(&mut running.requests);
        match running.answers.recv_timeout(PATIENCE) {
            Ok(answer) => Ok(answer),
            Err(RecvTimeoutError::Timeout) => {
                self.running = None;
                Err(Failure::Hung)
            }
            Err(RecvTimeoutError::Disconnected) => {
                let status = running.child.wait();
                let last_words = running.last_words.take().and_then(|thread| thread.join().ok());
                self.running = None;
                Err(Failure::Crashed { status: status?, last_words: last_words.unwrap_or_default() })
            }
        }
    }
}

fn nonsense() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "the answer does not fit the question")
}

impl Running {
    fn start(program: &Path) -> io::Result<Self> {
        let mut child = Command::new(program)
            // vkd3d prints everything that it does not know, also where it then refuses the shader.
            .env("VKD3D_SHADER_DEBUG", "none")
            .env("VKD3D_DEBUG", "none")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", program.display())))?;
        let missing = || io::Error::other("a pipe is missing");
        let requests = child.stdin.take().ok_or_else(missing)?;
        let mut source = child.stdout.take().ok_or_else(missing)?;
        let mut complaints = child.stderr.take().ok_or_else(missing)?;
        let (sender, answers) = mpsc::channel();
        // The thread ends with the pipe, that is, with the process.
        thread::spawn(move || {
            while let Ok(Some(answer)) = Message::read(&mut source) {
                if sender.send(answer).is_err() {
                    break;
                }
            }
        });
        let last_words = thread::spawn(move || {
            let mut bytes = Vec::new();
            // What came before an error is all that there is to tell.
            let _end = complaints.read_to_end(&mut bytes);
            String::from_utf8_lossy(&bytes).split_whitespace().collect::<Vec<_>>().join(" ")
        });
        Ok(Self { child, requests, answers, last_words: Some(last_words) })
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Both fail only if it has ended already, which is what is wanted.
        let _killed = self.child.kill();
        let _status = self.child.wait();
    }
}
