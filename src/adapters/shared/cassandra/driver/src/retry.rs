//! The driver's default decisions on retries, with a memory: a request whose first attempt broke off and whose second
//! found no node must not be called "not done".
use crate::failure::{self, Failure};
use scylla::policies::retry::{DefaultRetryPolicy, RequestInfo, RetryDecision, RetryPolicy, RetrySession};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

#[derive(Debug, Default)]
pub struct Remembering {
    unknown: Arc<AtomicBool>,
}

impl Remembering {
    /// The failure of the whole request, given that of its last attempt.
    pub fn judge(&self, mut last: Failure) -> Failure {
        let not_done = !matches!(last.kind, failure::TIMED_OUT | failure::OTHER);
        if not_done && self.unknown.load(Ordering::Relaxed) {
            last.kind = failure::TIMED_OUT;
            last.message.push_str(" (an earlier attempt may have been done)");
        }
        last
    }
}

impl RetryPolicy for Remembering {
    fn new_session(&self) -> Box<dyn RetrySession> {
        Box::new(Attempts { decide: DefaultRetryPolicy::new().new_session(), unknown: self.unknown.clone() })
    }
}

struct Attempts {
    decide: Box<dyn RetrySession>,
    unknown: Arc<AtomicBool>,
}

impl RetrySession for Attempts {
    fn decide_should_retry(&mut self, request: RequestInfo) -> RetryDecision {
        if matches!(failure::of_attempt(request.error), failure::TIMED_OUT | failure::OTHER) {
            self.unknown.store(true, Ordering::Relaxed);
        }
        self.decide.decide_should_retry(request)
    }
    fn reset(&mut self) {
        self.decide.reset();
    }
}
