//! What went wrong, as few kinds and one text.
use scylla::errors::{
    BadQuery, ConnectionError, ConnectionPoolError, ConnectionSetupRequestErrorKind, DbError, ExecutionError,
    MetadataError, NewSessionError, PrepareError, RequestAttemptError, SchemaAgreementError, UseKeyspaceError,
};

pub const OK: i32 = 0;
pub const UNAVAILABLE: i32 = 1;
pub const TIMED_OUT: i32 = 2;
pub const OVERLOADED: i32 = 3;
pub const INVALID: i32 = 4;
pub const NO_SPACE: i32 = 5;
pub const OTHER: i32 = 6;

pub struct Failure {
    pub kind: i32,
    pub message: String,
}

impl Failure {
    pub fn new(kind: i32, message: impl Into<String>) -> Self {
        Failure { kind, message: message.into() }
    }
}

fn of_server(error: &DbError, text: &str) -> i32 {
    // The guard of Cassandra 4.1 and later (data_disk_usage_percentage_fail_threshold) refuses as "invalid"; a disk
    // that is really full fails as ServerError with the system's words.
    if text.contains("disk usage exceeds failure threshold") || text.contains("No space left on device") {
        return NO_SPACE;
    }
    match error {
        DbError::Unavailable { .. } | DbError::IsBootstrapping => UNAVAILABLE,
        // Overloaded: thrown between two replicas, too.
        DbError::WriteTimeout { .. }
        | DbError::ReadTimeout { .. }
        | DbError::WriteFailure { .. }
        | DbError::Overloaded => TIMED_OUT,
        DbError::SyntaxError
        | DbError::Invalid
        | DbError::ConfigError
        | DbError::AlreadyExists { .. }
        | DbError::Unauthorized
        | DbError::AuthenticationError => INVALID,
        _ => OTHER,
    }
}

/// Of one attempt at one node.
pub fn of_attempt(error: &RequestAttemptError) -> i32 {
    match error {
        RequestAttemptError::DbError(error, text) => of_server(error, text),
        RequestAttemptError::BrokenConnectionError(_) => TIMED_OUT,
        RequestAttemptError::UnableToAllocStreamId => OVERLOADED,
        RequestAttemptError::SerializationError(_) | RequestAttemptError::CqlRequestSerialization(_) => INVALID,
        _ => OTHER,
    }
}

pub fn of_prepare(error: PrepareError) -> Failure {
    let kind = match &error {
        PrepareError::ConnectionPoolError(_) => UNAVAILABLE,
        PrepareError::AllAttemptsFailed { first_attempt } => of_attempt(first_attempt),
        _ => OTHER,
    };
    Failure::new(kind, error.to_string())
}

pub fn of_execution(error: ExecutionError) -> Failure {
    let kind = match &error {
        ExecutionError::LastAttemptError(attempt) => of_attempt(attempt),
        ExecutionError::RequestTimeout(_) => TIMED_OUT,
        ExecutionError::ConnectionPoolError(_) | ExecutionError::EmptyPlan => UNAVAILABLE,
        ExecutionError::BadQuery(BadQuery::SerializationError(_))
        | ExecutionError::BadQuery(BadQuery::ValuesTooLongForKey(..))
        | ExecutionError::BadQuery(BadQuery::TooManyQueriesInBatchStatement(_))
        | ExecutionError::BadQuery(BadQuery::PartitionKeyExtraction) => INVALID,
        ExecutionError::SchemaAgreementError(SchemaAgreementError::Timeout(_)) => TIMED_OUT,
        ExecutionError::SchemaAgreementError(_) | ExecutionError::MetadataError(_) => TIMED_OUT,
        ExecutionError::PrepareError(prepare) => return of_prepare(prepare.clone()),
        _ => OTHER,
    };
    Failure::new(kind, error.to_string())
}

/// Whether the user is refused, and not only unknown as yet: a node that starts may not reach what it knows of users.
fn refused(error: &ConnectionError) -> bool {
    match error {
        ConnectionError::ConnectionSetupRequestError(setup) => match setup.get_error() {
            ConnectionSetupRequestErrorKind::DbError(DbError::AuthenticationError | DbError::Unauthorized, text) => {
                !text.contains("Unable to perform authentication")
            }
            ConnectionSetupRequestErrorKind::MissingAuthentication => true,
            _ => false,
        },
        _ => false,
    }
}

pub fn of_open(error: NewSessionError) -> Failure {
    let kind = match &error {
        NewSessionError::MetadataError(MetadataError::ConnectionPoolError(ConnectionPoolError::Broken {
            last_connection_error,
        })) if refused(last_connection_error) => INVALID,
        NewSessionError::UseKeyspaceError(UseKeyspaceError::RequestError(attempt)) => of_attempt(attempt),
        NewSessionError::UseKeyspaceError(UseKeyspaceError::RequestTimeout(_)) => TIMED_OUT,
        NewSessionError::UseKeyspaceError(_) | NewSessionError::EmptyKnownNodesList => INVALID,
        NewSessionError::FailedToResolveAnyHostname(_) => UNAVAILABLE,
        NewSessionError::MetadataError(MetadataError::ConnectionPoolError(_) | MetadataError::FetchError(_)) => {
            UNAVAILABLE
        }
        _ => OTHER,
    };
    Failure::new(kind, error.to_string())
}
