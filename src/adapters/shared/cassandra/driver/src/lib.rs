//! The C interface of parley_cql.h, which says what each function promises.
mod failure;
mod retry;
mod session;
mod values;

use failure::Failure;
use retry::Remembering;
use scylla::response::PagingState;
use scylla::statement::batch::{Batch, BatchType};
use scylla::statement::prepared::PreparedStatement;
use scylla::statement::unprepared::Statement;
use scylla::statement::{Consistency, SerialConsistency};
use session::{Request, Session, millis};
use std::ffi::{CStr, c_char, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use values::{Cell, Rows, Values};

#[repr(C)]
pub struct Settings {
    contact_points: *const c_char,
    keyspace: *const c_char,
    local_dc: *const c_char,
    user: *const c_char,
    password: *const c_char,
    threads: u32,
    connections_per_node: u32,
    open_timeout_ms: u32,
    request_timeout_ms: u32,
    schema_timeout_ms: u32,
    max_in_flight: u32,
}

#[repr(C)]
pub struct Options {
    timestamp_us: i64,
    paging_state: *const u8,
    paging_state_size: usize,
    page_size: u32,
    timeout_ms: u32,
    consistency: u16,
    serial_consistency: u16,
    idempotent: u8,
}

#[repr(C)]
pub struct Bound {
    prepared: *const PreparedStatement,
    values: *const u8,
    values_size: usize,
    count: u16,
}

#[repr(C)]
pub struct View {
    cells: *const Cell,
    rows: usize,
    columns: usize,
    paging_state: *const u8,
    paging_state_size: usize,
    message: *const u8,
    message_size: usize,
    kind: i32,
}

pub struct Outcome(Result<Rows, Failure>);
type Callback = extern "C" fn(*mut c_void, *mut Outcome);

fn hand_out(result: Result<Rows, Failure>) -> *mut Outcome {
    Box::into_raw(Box::new(Outcome(result)))
}

fn text<'a>(pointer: *const c_char) -> Result<Option<&'a str>, Failure> {
    if pointer.is_null() {
        return Ok(None);
    }
    let text = unsafe { CStr::from_ptr(pointer) }.to_str();
    text.map(Some).map_err(|_| Failure::new(failure::INVALID, "a setting is not UTF-8"))
}

unsafe fn bytes<'a>(data: *const u8, size: usize) -> &'a [u8] {
    if size == 0 { &[] } else { unsafe { std::slice::from_raw_parts(data, size) } }
}

unsafe fn utf8<'a>(cql: *const u8, size: usize) -> Result<&'a str, Failure> {
    str::from_utf8(unsafe { bytes(cql, size) })
        .map_err(|_| Failure::new(failure::INVALID, "the statement is not UTF-8"))
}

/// `make`'s failure, or its panic as a failure.
fn guarded<T>(make: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
    catch_unwind(AssertUnwindSafe(make)).unwrap_or_else(|_| Err(Failure::new(failure::OTHER, "the driver panicked")))
}

/// Answers exactly once: a request that is dropped by a panic or by the end of the runtime is answered by the drop.
struct Completion {
    callback: Callback,
    context: *mut c_void,
    in_flight: Arc<AtomicUsize>,
    answered: bool,
}
unsafe impl Send for Completion {}

impl Completion {
    fn answer(mut self, result: Result<Rows, Failure>) {
        self.call(result);
    }
    fn call(&mut self, result: Result<Rows, Failure>) {
        self.answered = true;
        self.in_flight.fetch_sub(1, Ordering::Relaxed);
        (self.callback)(self.context, hand_out(result));
    }
}

impl Drop for Completion {
    fn drop(&mut self) {
        if !self.answered {
            let closed = Failure::new(failure::TIMED_OUT, "the session was closed before the answer came");
            let failed = Failure::new(failure::OTHER, "the driver panicked");
            self.call(Err(if std::thread::panicking() { failed } else { closed }));
        }
    }
}

fn start(
    session: &Session,
    callback: Callback,
    context: *mut c_void,
    make: impl FnOnce(&Arc<Remembering>) -> Result<Request, Failure>,
) {
    let before = session.in_flight.fetch_add(1, Ordering::Relaxed);
    let completion = Completion { callback, context, in_flight: session.in_flight.clone(), answered: false };
    let memory = Arc::new(Remembering::default());
    let request = if before < session.max_in_flight {
        guarded(|| make(&memory))
    } else {
        Err(Failure::new(failure::OVERLOADED, format!("{before} requests are in flight")))
    };
    let driver = session.driver.clone();
    session.runtime.spawn(async move {
        completion.answer(match request {
            Ok(request) => request.run(&driver, &memory).await,
            Err(failure) => Err(failure),
        });
    });
}

/// Sets `$options` on a Statement, a PreparedStatement or a Batch, which have the same methods and no common trait.
macro_rules! set_options {
    ($what:expr, $options:expr, $memory:expr) => {{
        let (what, options): (_, &Options) = (&mut $what, $options);
        let known = Consistency::try_from(options.consistency);
        what.set_consistency(known.map_err(|_| Failure::new(failure::INVALID, "no such consistency"))?);
        let known = SerialConsistency::try_from(options.serial_consistency as i16);
        what.set_serial_consistency(Some(
            known.map_err(|_| Failure::new(failure::INVALID, "no such serial consistency"))?,
        ));
        what.set_timestamp((options.timestamp_us != i64::MIN).then_some(options.timestamp_us));
        if options.timeout_ms != 0 {
            what.set_request_timeout(Some(millis(options.timeout_ms)));
        }
        what.set_is_idempotent(options.idempotent != 0);
        what.set_retry_policy(Some($memory.clone()));
    }};
}

unsafe fn bind(bound: &Bound) -> (PreparedStatement, Values) {
    let values = unsafe { bytes(bound.values, bound.values_size) }.to_vec();
    (unsafe { &*bound.prepared }.clone(), Values { bytes: values, count: bound.count })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn parley_cql_open(settings: *const Settings, session: *mut *mut Session) -> *mut Outcome {
    let opened = guarded(|| Session::open(unsafe { &*settings }));
    hand_out(opened.map(|opened| {
        unsafe { *session = Box::into_raw(Box::new(opened)) };
        Rows::default()
    }))
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn parley_cql_close(session: *mut Session) {
    let Session { runtime, driver, .. } = *unsafe { Box::from_raw(session) };
    drop(driver);
    drop(runtime); // waits for its threads, which drop, and so answer, every request
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn parley_cql_prepare(
    session: *const Session,
    cql: *const u8,
    size: usize,
    timeout_ms: u32,
    prepared: *mut *mut PreparedStatement,
) -> *mut Outcome {
    let made = guarded(|| unsafe { &*session }.prepare(unsafe { utf8(cql, size) }?, millis(timeout_ms)));
    hand_out(made.map(|made| {
        unsafe { *prepared = Box::into_raw(Box::new(made)) };
        Rows::default()
    }))
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn parley_cql_prepared_free(prepared: *mut PreparedStatement) {
    drop(unsafe { Box::from_raw(prepared) });
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn parley_cql_query(
    session: *const Session,
    cql: *const u8,
    size: usize,
    options: *const Options,
    callback: Callback,
    context: *mut c_void,
) {
    start(unsafe { &*session }, callback, context, |memory| {
        let mut statement = Statement::new(unsafe { utf8(cql, size) }?);
        set_options!(statement, unsafe { &*options }, memory);
        Ok(Request::Text(statement))
    });
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn parley_cql_execute(
    session: *const Session,
    statement: *const Bound,
    options: *const Options,
    callback: Callback,
    context: *mut c_void,
) {
    start(unsafe { &*session }, callback, context, |memory| {
        let options = unsafe { &*options };
        let (mut statement, values) = unsafe { bind(&*statement) };
        set_options!(statement, options, memory);
        if options.page_size == 0 {
            return Ok(Request::All(statement, values));
        }
        statement.set_page_size(options.page_size.try_into().unwrap_or(i32::MAX));
        let from = match options.paging_state.is_null() {
            true => PagingState::start(),
            false => PagingState::new_from_raw_bytes(unsafe { bytes(options.paging_state, options.paging_state_size) }),
        };
        Ok(Request::Page(statement, values, from))
    });
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn parley_cql_batch(
    session: *const Session,
    logged: u8,
    statements: *const Bound,
    count: usize,
    options: *const Options,
    callback: Callback,
    context: *mut c_void,
) {
    start(unsafe { &*session }, callback, context, |memory| {
        let mut batch = Batch::new(if logged != 0 { BatchType::Logged } else { BatchType::Unlogged });
        let mut all_values = Vec::with_capacity(count);
        for i in 0..count {
            let (statement, values) = unsafe { bind(&*statements.add(i)) };
            batch.append_statement(statement);
            all_values.push(values);
        }
        set_options!(batch, unsafe { &*options }, memory);
        Ok(Request::Batch(batch, all_values))
    });
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn parley_cql_result_view(result: *const Outcome, view: *mut View) {
    let mut seen = View {
        cells: std::ptr::null(),
        rows: 0,
        columns: 0,
        paging_state: std::ptr::null(),
        paging_state_size: 0,
        message: std::ptr::null(),
        message_size: 0,
        kind: failure::OK,
    };
    match &unsafe { &*result }.0 {
        Ok(rows) => {
            (seen.cells, seen.rows, seen.columns) = (rows.cells.as_ptr(), rows.rows, rows.columns);
            if let Some(state) = &rows.paging_state {
                (seen.paging_state, seen.paging_state_size) = (state.as_ptr(), state.len());
            }
        }
        Err(failure) => {
            (seen.message, seen.message_size) = (failure.message.as_ptr(), failure.message.len());
            seen.kind = failure.kind;
        }
    }
    unsafe { *view = seen };
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn parley_cql_result_free(result: *mut Outcome) {
    drop(unsafe { Box::from_raw(result) });
}
