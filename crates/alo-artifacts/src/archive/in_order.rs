//! A few threads that do jobs, whose results come in the order of the jobs.

use std::collections::VecDeque;
use std::io;
use std::num::NonZero;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex};
use std::thread::{self, Scope};
use std::time::Duration;

/// More threads would need more memory than they save time.
const MAX_THREADS: usize = 16;

/// How often a wait for a result looks whether it is still wanted.
const TICK: Duration = Duration::from_millis(50);

/// How many threads this machine keeps busy.
pub(super) fn threads() -> usize {
    thread::available_parallelism().map_or(2, NonZero::get).min(MAX_THREADS)
}

/// Jobs under way. Dropped, the threads end after the job they are at.
pub(super) struct InOrder<Job, Outcome> {
    jobs: Sender<(Job, Sender<Outcome>)>,
    waiting: VecDeque<Receiver<Outcome>>,
    most: usize,
}

impl<Job: Send, Outcome: Send> InOrder<Job, Outcome> {
    /// Starts threads, each of which makes its own worker.
    pub(super) fn start<'scope, Work>(
        scope: &'scope Scope<'scope, '_>,
        threads: usize,
        worker: impl Fn() -> Work + Clone + Send + 'scope,
    ) -> Self
    where
        Job: 'scope,
        Outcome: 'scope,
        Work: FnMut(Job) -> Outcome,
    {
        let (jobs, receiver) = mpsc::channel::<(Job, Sender<Outcome>)>();
        let receiver = Arc::new(Mutex::new(receiver));
        for _ in 0..threads {
            let (receiver, worker) = (receiver.clone(), worker.clone());
            scope.spawn(move || {
                let mut work = worker();
                while let Some((job, answer)) = take(&receiver) {
                    // Nobody waits for the answer after an error elsewhere.
                    answer.send(work(job)).ok();
                }
            });
        }
        Self { jobs, waiting: VecDeque::new(), most: 2 * threads }
    }

    /// Whether so many jobs are under way that a result should be taken before another one is added.
    pub(super) fn is_full(&self) -> bool {
        self.waiting.len() >= self.most
    }

    /// Adds a job.
    pub(super) fn add(&mut self, job: Job) -> io::Result<()> {
        let (answer, result) = mpsc::channel();
        self.jobs.send((job, answer)).map_err(|_| ended())?;
        self.waiting.push_back(result);
        Ok(())
    }

    /// Waits for the result of the oldest job; none when no job is under way. Asks `unwanted` now and then, and gives up
    /// with an error when it says so.
    pub(super) fn next(&mut self, unwanted: &dyn Fn() -> bool) -> io::Result<Option<Outcome>> {
        let Some(result) = self.waiting.pop_front() else { return Ok(None) };
        loop {
            match result.recv_timeout(TICK) {
                Ok(outcome) => return Ok(Some(outcome)),
                Err(RecvTimeoutError::Timeout) if unwanted() => {
                    return Err(io::Error::other("stopped on request"));
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Err(ended()),
            }
        }
    }
}

fn take<Job>(jobs: &Mutex<Receiver<Job>>) -> Option<Job> {
    jobs.lock().ok()?.recv().ok()
}

fn ended() -> io::Error {
    io::Error::other("a compressing thread has ended early")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_the_order_of_the_jobs() {
        let results = thread::scope(|scope| {
            let mut pool = InOrder::start(scope, 3, || |job: u32| job * 2);
            let mut results = Vec::new();
            for job in 0..1000 {
                if pool.is_full() {
                    results.extend(pool.next(&|| false).expect("a result"));
                }
                pool.add(job).expect("added");
            }
            while let Some(result) = pool.next(&|| false).expect("a result") {
                results.push(result);
            }
            results
        });
        assert_eq!(results, (0..1000).map(|job| job * 2).collect::<Vec<_>>());
    }

    #[test]
    fn a_wait_ends_when_the_result_is_not_wanted() {
        let (go, wait) = mpsc::channel::<()>();
        let wait = Arc::new(Mutex::new(wait));
        thread::scope(|scope| {
            let mut pool = InOrder::start(scope, 3, || |()| wait.lock().expect("free").recv().is_ok());
            pool.add(()).expect("added");
            assert!(pool.next(&|| true).is_err());
            go.send(()).expect("it waits");
        });
    }
}
