//! Values in, rows out: both stay as the protocol encodes them.
use crate::failure::{self, Failure};
use scylla::deserialize::row::ColumnIterator;
use scylla::response::query_result::{QueryResult, QueryRowsResult};
use scylla::serialize::SerializationError;
use scylla::serialize::row::{RowSerializationContext, SerializeRow};
use scylla::serialize::writers::RowWriter;
use std::fmt;

/// The values of one statement, encoded as parley_cql_bound says.
pub struct Values {
    pub bytes: Vec<u8>,
    pub count: u16,
}

#[derive(Debug)]
struct Malformed;
impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the encoded values are not as many as was said, or are cut off")
    }
}
impl std::error::Error for Malformed {}

impl SerializeRow for Values {
    fn serialize(&self, _: &RowSerializationContext<'_>, row: &mut RowWriter) -> Result<(), SerializationError> {
        let malformed = || SerializationError::new(Malformed);
        let mut rest = &self.bytes[..];
        for _ in 0..self.count {
            let (size, after) = rest.split_first_chunk::<4>().ok_or_else(malformed)?;
            rest = after;
            let cell = row.make_cell_writer();
            match i32::from_be_bytes(*size) {
                -2 => drop(cell.set_unset()),
                -1 => drop(cell.set_null()),
                size => {
                    let size = usize::try_from(size).map_err(|_| malformed())?;
                    let (value, after) = rest.split_at_checked(size).ok_or_else(malformed)?;
                    rest = after;
                    cell.set_value(value).map_err(SerializationError::new)?;
                }
            }
        }
        if rest.is_empty() { Ok(()) } else { Err(malformed()) }
    }
    fn is_empty(&self) -> bool {
        self.count == 0
    }
}

#[repr(C)]
pub struct Cell {
    data: *const u8,
    size: i64,
}

/// The cells point into the frame that `_frame` keeps.
#[derive(Default)]
pub struct Rows {
    pub cells: Vec<Cell>,
    pub rows: usize,
    pub columns: usize,
    pub paging_state: Option<Vec<u8>>,
    _frame: Option<QueryRowsResult>,
}

impl Rows {
    pub fn of(result: QueryResult, paging_state: Option<Vec<u8>>) -> Result<Rows, Failure> {
        if !result.is_rows() {
            return Ok(Rows::default());
        }
        let broken = |e: &dyn fmt::Display| Failure::new(failure::OTHER, format!("the answer cannot be read: {e}"));
        let frame = result.into_rows_result().map_err(|e| broken(&e))?;
        let (rows, columns) = (frame.rows_num(), frame.column_specs().len());
        let mut cells = Vec::with_capacity(rows * columns);
        for row in frame.rows::<ColumnIterator>().map_err(|e| broken(&e))? {
            for cell in row.map_err(|e| broken(&e))? {
                cells.push(match cell.map_err(|e| broken(&e))?.slice.map(|s| s.as_slice()) {
                    None => Cell { data: std::ptr::null(), size: -1 },
                    Some(bytes) => Cell { data: bytes.as_ptr(), size: bytes.len() as i64 },
                });
            }
        }
        Ok(Rows { cells, rows, columns, paging_state, _frame: Some(frame) })
    }
}
