//! The threads that make pipelines, so that neither the decoder nor a frame waits for the driver's compiler without need.
//!
//! A pipeline is asked for as soon as it is known that it will be needed: when the shaders of one that an earlier run needed are
//! there again (see [`super::pipeline_list`]), or at its first use. Whoever needs it in the end waits for it alone. If no thread
//! has begun with it by then, the one that waits makes it itself, so that nothing depends on the threads' number or order.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::JoinHandle;

use ash::vk;

/// Threads at most. Drivers compile one pipeline on one thread; more than this and the game's own threads starve.
const MAX_THREADS: usize = 8;

/// Makes a pipeline.
type Job = Box<dyn FnOnce() -> Result<vk::Pipeline, vk::Result> + Send>;

struct Slot {
    job: Mutex<Option<Job>>,
    made: OnceLock<Result<vk::Pipeline, vk::Result>>,
}

/// A pipeline that is being made, or is made.
#[derive(Clone)]
pub struct Making(Arc<Slot>);

impl Making {
    fn new(job: Job) -> Self {
        Self(Arc::new(Slot { job: Mutex::new(Some(job)), made: OnceLock::new() }))
    }

    /// The pipeline if it is made.
    #[inline]
    pub fn ready(&self) -> Option<vk::Pipeline> {
        self.0.made.get()?.ok()
    }

    /// Whether it is the same pipeline.
    #[inline]
    pub fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// Waits for the pipeline.
    ///
    /// # Errors
    /// Why it could not be made.
    pub fn wait(&self) -> Result<vk::Pipeline, vk::Result> {
        self.run();
        *self.0.made.wait()
    }

    /// Gives it up: what is left to destroy, if it is or will be made. A job that nobody has begun is dropped.
    pub fn discard(&self) -> Option<vk::Pipeline> {
        if lock(&self.0.job).take().is_some() {
            let _ = self.0.made.set(Err(vk::Result::NOT_READY));
        }
        self.0.made.wait().ok()
    }

    /// Makes it unless somebody has begun to.
    fn run(&self) {
        let job = lock(&self.0.job).take();
        if let Some(job) = job {
            // Set once: by whoever took the job.
            let _ = self.0.made.set(job());
        }
    }
}

struct Queue {
    waiting: VecDeque<Making>,
    stop: bool,
}

struct Shared {
    queue: Mutex<Queue>,
    work: Condvar,
}

/// The threads.
pub struct PipelinePool {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

impl PipelinePool {
    /// Starts as many threads as the machine has processors to spare; there may be none.
    pub fn start() -> Self {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        Self::with_threads(processors.saturating_sub(1).clamp(1, MAX_THREADS))
    }

    fn with_threads(count: usize) -> Self {
        let queue = Mutex::new(Queue { waiting: VecDeque::new(), stop: false });
        let shared = Arc::new(Shared { queue, work: Condvar::new() });
        let threads = (0..count).filter_map(|_| {
            let shared = shared.clone();
            let thread = std::thread::Builder::new().name("pipelines".to_owned());
            // Without it those who need a pipeline make it.
            thread.spawn(move || run(&shared)).ok()
        });
        let threads = threads.collect();
        Self { shared, threads }
    }

    /// Has a pipeline made. One that is needed now comes before those that will be.
    pub fn make(
        &self,
        needed: bool,
        job: impl FnOnce() -> Result<vk::Pipeline, vk::Result> + Send + 'static,
    ) -> Making {
        let making = Making::new(Box::new(job));
        let mut queue = lock(&self.shared.queue);
        if needed {
            queue.waiting.push_front(making.clone());
        } else {
            queue.waiting.push_back(making.clone());
        }
        drop(queue);
        self.shared.work.notify_one();
        making
    }
}

impl Drop for PipelinePool {
    fn drop(&mut self) {
        lock(&self.shared.queue).stop = true;
        self.shared.work.notify_all();
        for thread in self.threads.drain(..) {
            if thread.join().is_err() {
                log::error!("a thread that makes pipelines has panicked");
            }
        }
    }
}

fn run(shared: &Shared) {
    let mut queue = lock(&shared.queue);
    loop {
        if queue.stop {
            return;
        }
        match queue.waiting.pop_front() {
            Some(making) => {
                drop(queue);
                making.run();
                queue = lock(&shared.queue);
            }
            None => queue = shared.work.wait(queue).unwrap_or_else(PoisonError::into_inner),
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use ash::vk::Handle;

    use super::*;

    #[test]
    fn each_is_made_once_whoever_makes_it() {
        for threads in [0, 3] {
            let pool = PipelinePool::with_threads(threads);
            let count = Arc::new(AtomicU64::new(0));
            let all: Vec<Making> = (1..=100)
                .map(|number| {
                    let count = count.clone();
                    pool.make(number % 2 == 0, move || {
                        count.fetch_add(1, Ordering::Relaxed);
                        Ok(vk::Pipeline::from_raw(number))
                    })
                })
                .collect();
            for (number, making) in (1..).zip(&all) {
                assert_eq!(making.wait(), Ok(vk::Pipeline::from_raw(number)));
                assert_eq!(making.ready(), Some(vk::Pipeline::from_raw(number)));
            }
            assert_eq!(count.load(Ordering::Relaxed), 100);
        }
    }

    #[test]
    fn a_failure_reaches_all_who_wait() {
        let pool = PipelinePool::with_threads(1);
        let making = pool.make(true, || Err(vk::Result::ERROR_OUT_OF_DEVICE_MEMORY));
        for _ in 0..2 {
            assert_eq!(making.clone().wait(), Err(vk::Result::ERROR_OUT_OF_DEVICE_MEMORY));
        }
        assert_eq!(making.ready(), None);
    }

    #[test]
    fn what_nobody_waits_for_does_not_keep_the_pool() {
        let pool = PipelinePool::with_threads(1);
        let (sender, receiver) = std::sync::mpsc::channel::<()>();
        let _first = pool.make(true, move || {
            let _gone = receiver.recv();
            Ok(vk::Pipeline::null())
        });
        let _second = pool.make(false, || Ok(vk::Pipeline::null()));
        drop(sender);
        drop(pool);
    }
}
