// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Asking again: how often, and after which pause.
//!
//! Takes what the rounds of one request ended with; waits twice as long each time, or as long as the servers
//! ask for, and says when there is no more patience. It does not know what was asked.

use std::sync::atomic::Ordering;
use std::thread::sleep;
use std::time::{Duration, Instant};

use uuid::Uuid;

use super::super::access::Patience;
use super::failure::Failure;

/// How often a pause looks whether it shall go on.
const LOOK: Duration = Duration::from_millis(50);

/// The rounds of one request.
#[derive(Debug)]
pub(super) struct Retries {
    patience: Patience,
    failed: u32,
    /// The first failure.
    began: Option<Instant>,
}

impl Retries {
    pub(super) fn new(patience: &Patience) -> Self {
        Self {
            patience: patience.clone(),
            failed: 0,
            began: None,
        }
    }

    /// Waits before the next round; false, at once, if there is to be none.
    pub(super) fn wait<'f>(&mut self, failures: impl Iterator<Item = &'f Failure>) -> bool {
        let passing: Vec<_> = failures.filter(|failure| failure.is_passing()).collect();
        self.failed += 1;
        if passing.is_empty() || self.failed >= self.patience.rounds {
            return false;
        }
        let asked = passing.iter().map(|failure| failure.retry_after());
        let asked = asked.min().flatten().unwrap_or_default();
        let pause = asked.saturating_add(self.own_pause(random()));
        let began = *self.began.get_or_insert_with(Instant::now);
        if began.elapsed().saturating_add(pause) > self.patience.total {
            return false;
        }
        self.pause(pause)
    }

    /// Waits; false if that was ended early.
    fn pause(&self, pause: Duration) -> bool {
        let began = Instant::now();
        while self.patience.stopped.load(Ordering::Relaxed) == 0 {
            let left = pause.saturating_sub(began.elapsed());
            if left.is_zero() {
                return true;
            }
            sleep(left.min(LOOK));
        }
        false
    }

    /// Doubled with each failure, and shortened by up to a half: a rack of machines that was refused at
    /// once must not come back at once. `random` is 0 to 255.
    fn own_pause(&self, random: u8) -> Duration {
        let doubled = 1_u32
            .checked_shl(self.failed - 1)
            .and_then(|factor| self.patience.first.checked_mul(factor));
        let whole = doubled.map_or(self.patience.longest, |d| d.min(self.patience.longest));
        whole / 512 * (512 - u32::from(random))
    }
}

fn random() -> u8 {
    Uuid::new_v4().as_bytes()[0]
}

/// The value of the header `Retry-After`: seconds, or a date.
pub(super) fn retry_after(value: &str) -> Option<Duration> {
    if let Ok(seconds) = value.trim().parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = jiff::fmt::rfc2822::parse(value.trim()).ok()?;
    let from_now = date.timestamp().duration_since(jiff::Timestamp::now());
    Some(from_now.try_into().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quick(rounds: u32) -> Patience {
        Patience {
            rounds,
            first: Duration::from_millis(1),
            longest: Duration::from_millis(3),
            total: Duration::from_secs(10),
            ..Patience::default()
        }
    }

    fn refused(status: u16, seconds: Option<u64>) -> Failure {
        Failure::Status {
            status,
            message: String::new(),
            retry_after: seconds.map(Duration::from_secs),
        }
    }

    #[test]
    fn pauses_grow_to_a_bound() {
        let mut retries = Retries::new(&quick(100));
        for (failed, milliseconds) in [(1, 1), (2, 2), (3, 3), (40, 3)] {
            retries.failed = failed;
            let whole = Duration::from_millis(milliseconds);
            assert!(retries.own_pause(0) <= whole);
            assert!(retries.own_pause(0) + Duration::from_micros(2) > whole);
            assert!(retries.own_pause(255) > whole / 3);
            assert!(retries.own_pause(255) < retries.own_pause(0));
        }
    }

    #[test]
    fn rounds_end() {
        let mut retries = Retries::new(&quick(3));
        let failure = refused(503, None);
        assert!(retries.wait([&failure].into_iter()));
        assert!(retries.wait([&failure].into_iter()));
        assert!(!retries.wait([&failure].into_iter()));
    }

    #[test]
    fn a_lasting_failure_is_not_waited_for() {
        for status in [400, 401, 403, 404, 416, 501] {
            let mut retries = Retries::new(&quick(3));
            assert!(
                !retries.wait([&refused(status, None)].into_iter()),
                "{status}"
            );
        }
    }

    #[test]
    fn a_pause_beyond_patience_is_not_made() {
        let mut retries = Retries::new(&quick(3));
        let began = Instant::now();
        assert!(!retries.wait([&refused(429, Some(3600))].into_iter()));
        assert!(!retries.wait([&refused(429, Some(u64::MAX))].into_iter()));
        assert!(began.elapsed() < Duration::from_secs(1));
        // Another place can be asked sooner.
        let both = [refused(429, Some(3600)), refused(503, None)];
        assert!(Retries::new(&quick(3)).wait(both.iter()));
    }

    #[test]
    fn a_signal_ends_a_pause() {
        let patience = Patience {
            total: Duration::from_secs(3600),
            ..quick(3)
        };
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| {
                let mut retries = Retries::new(&patience);
                retries.wait([&refused(429, Some(60))].into_iter())
            });
            sleep(Duration::from_millis(100));
            assert!(!waiting.is_finished());
            patience.stopped.store(2, Ordering::Relaxed);
            assert!(!waiting.join().unwrap(), "it was waited for to the end");
        });
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        assert_eq!(retry_after("7"), Some(Duration::from_secs(7)));
        let past = retry_after("Wed, 21 Oct 2015 07:28:00 GMT");
        assert_eq!(past, Some(Duration::ZERO));
        let future = retry_after("Fri, 21 Oct 2095 07:28:00 GMT").unwrap();
        assert!(future > Duration::from_secs(86400));
        assert!(retry_after(&u64::MAX.to_string()).is_some());
        for text in ["", "soon", "-1", "1.5"] {
            assert_eq!(retry_after(text), None, "{text}");
        }
    }
}
