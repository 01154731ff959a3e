/* Cassandra through the Rust driver `scylla`, as C. What the C++ of this folder stands on; nothing
 * else includes it.
 *
 * Threads: every function may be called by any thread but the driver's own, and blocks where it
 * says so. Callbacks come on threads of the driver, which also carry its sockets: they must not
 * block, nor call anything here but the functions on results and those that start a request.
 * Memory: what is passed in is copied before the call returns. What is handed out is freed by its
 * own function, once. No Rust panic crosses: one in a call becomes an error of kind OTHER, one in a
 * request is that request's answer. The driver logs nothing. */
#pragma once
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct parley_cql_session parley_cql_session;
typedef struct parley_cql_prepared parley_cql_prepared;
typedef struct parley_cql_result parley_cql_result;

enum {
  PARLEY_CQL_OK = 0,
  /* Not done, surely: no node could be reached, or too few replicas were alive. */
  PARLEY_CQL_UNAVAILABLE = 1,
  /* No answer that says what happened: time-out of the request or of the server, connection lost, a
   * replica that failed to write, an overloaded server, or the session was closed. A write may or
   * may not be, or come to be. */
  PARLEY_CQL_TIMED_OUT = 2,
  /* Not sent: `max_in_flight` requests are in flight. */
  PARLEY_CQL_OVERLOADED = 3,
  /* Refused: syntax, unknown table or keyspace, wrong values, too large, not permitted. Not done.
   */
  PARLEY_CQL_INVALID = 4,
  /* Refused for want of disk space. Not done. */
  PARLEY_CQL_NO_SPACE = 5,
  /* A fault of the server, of the driver or of this library. A write may or may not be. */
  PARLEY_CQL_OTHER = 6,
};

typedef struct {
  const char* contact_points; /* "host:port,host:port": some of the nodes, the others are learnt
                                 from them */
  const char* keyspace;       /* of statements that name none; NULL: they all name theirs */
  const char* local_dc;       /* only its nodes are asked; NULL: all */
  const char* user;           /* NULL: no authentication */
  const char* password;
  uint32_t threads;              /* of the driver; at least 1 */
  uint32_t connections_per_node; /* at least 1 */
  uint32_t open_timeout_ms;      /* for all of parley_cql_open; of one connection, half of it */
  uint32_t request_timeout_ms;   /* of requests that give none; retries of the driver included */
  uint32_t schema_timeout_ms;    /* how long a change of schema waits until all nodes agree on it */
  uint32_t max_in_flight;        /* requests beyond it are answered OVERLOADED */
} parley_cql_settings;

#define PARLEY_CQL_NO_TIMESTAMP INT64_MIN

typedef struct {
  int64_t timestamp_us; /* of all cells written; PARLEY_CQL_NO_TIMESTAMP: the server's clock */
  const uint8_t* paging_state; /* where the page before ended; NULL: the first page */
  size_t paging_state_size;
  uint32_t page_size;   /* rows at most; 0: all rows at once */
  uint32_t timeout_ms;  /* 0: the session's */
  uint16_t consistency; /* as CQL numbers them: ONE 1, QUORUM 4, ALL 5, LOCAL_QUORUM 6, SERIAL 8,
                           LOCAL_SERIAL 9, LOCAL_ONE 10 */
  uint16_t serial_consistency; /* of IF: SERIAL 8 or LOCAL_SERIAL 9 */
  uint8_t
      idempotent; /* the driver may send it again, elsewhere too, where the outcome is unknown */
} parley_cql_options;

/* A prepared statement with its values: `count` of them one after another, each as "[value]" of the
 * native protocol v4, section 3: a big-endian int32, the size, and so many bytes; -1 is null, -2 is
 * unset (the column stays as it is). */
typedef struct {
  const parley_cql_prepared* prepared;
  const uint8_t* values;
  size_t values_size;
  uint16_t count;
} parley_cql_bound;

/* size -1: null. The bytes belong to the result. */
typedef struct {
  const uint8_t* data;
  int64_t size;
} parley_cql_cell;

/* What is in a result; all pointers belong to it. */
typedef struct {
  const parley_cql_cell*
      cells; /* rows * columns of them, row by row; values as the protocol encodes them */
  size_t rows;
  size_t columns;
  const uint8_t* paging_state; /* NULL: this was the last page */
  size_t paging_state_size;
  const char* message; /* of an error, else empty; UTF-8, not ended by 0 */
  size_t message_size;
  int32_t kind;
} parley_cql_view;

/* Comes exactly once for each request started, possibly before the function that started it has
 * returned. The callee owns the result, which is never NULL. */
typedef void (*parley_cql_callback)(void* context, parley_cql_result* result);

/* Blocks until connected, or open_timeout_ms. On error *session is NULL and the result says what;
 * on success its kind is OK. Nodes that are lost later are tried again by themselves, for ever,
 * every 2 s at the latest. */
parley_cql_result* parley_cql_open(const parley_cql_settings* settings,
                                   parley_cql_session** session);

/* Blocks until every request in flight is answered: those that still wait for the server are
 * TIMED_OUT at once. No callback comes after it. */
void parley_cql_close(parley_cql_session* session);

/* Blocks, at most for timeout_ms. The statement stays usable when nodes restart or forget it: the
 * driver prepares it again. It may be used until the session is closed, and is freed before or
 * after. */
parley_cql_result* parley_cql_prepare(parley_cql_session* session, const char* cql, size_t size,
                                      uint32_t timeout_ms, parley_cql_prepared** prepared);
void parley_cql_prepared_free(parley_cql_prepared* prepared);

/* Runs a text without values. After a change of schema it waits until all nodes agree
 * (schema_timeout_ms). */
void parley_cql_query(parley_cql_session* session, const char* cql, size_t size,
                      const parley_cql_options* options, parley_cql_callback callback,
                      void* context);
void parley_cql_execute(parley_cql_session* session, const parley_cql_bound* statement,
                        const parley_cql_options* options, parley_cql_callback callback,
                        void* context);
/* Of one partition: all or nothing, and in one write. Of several: all in the end if `logged`, at
 * twice the price. */
void parley_cql_batch(parley_cql_session* session, uint8_t logged,
                      const parley_cql_bound* statements, size_t count,
                      const parley_cql_options* options, parley_cql_callback callback,
                      void* context);

void parley_cql_result_view(const parley_cql_result* result, parley_cql_view* view);
void parley_cql_result_free(parley_cql_result* result);

#ifdef __cplusplus
}
#endif
