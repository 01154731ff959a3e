/* The log of one conversation in a store that cannot refuse a writer: Promela, for SPIN 6.5.
 * README.md says what stands for what, and which run shows what; docs/ownership.md is the argument.
 *
 * G owners (generations 1..G) run at once, and each may stop at any step and go on at any later time, also long after its
 * lease. A write, once issued, lands on any of the three replicas at any later time or never; that is decided when a replica
 * is read or the write settles, which commutes with everything else. A quorum read visits two replicas, in two steps. M
 * messages, each sent to every owner any number of times. S seqs, B entries in a batch at most.
 *
 * Each rule is a switch; its value here is what the code does. */
#ifndef G
#define G 2
#endif
#ifndef M
#define M 2
#endif
#ifndef S
#define S (M+1)
#endif
#ifndef B
#define B 2
#endif
#ifndef STAMP      /* rule 1. 1: a row's time stamp is its writer's generation. 0: a clock, and the older owner's is ahead */
#define STAMP 1
#endif
#ifndef FLIGHT     /* rule 2. 1: one batch in flight. 0: the next is issued before the last one is settled */
#define FLIGHT 1
#endif
#ifndef REUSE      /* rule 2. 0: never. 1: after a time-out its seq is given to another message */
#define REUSE 0
#endif
#ifndef LEASE      /* rule 3. 2: the lease is checked after the write returned. 1: only before it is issued. 0: never */
#define LEASE 2
#endif
#ifndef KEEP       /* rule 3. 0: a new generation begins with empty memory. 1: generation G is the process of generation 1, as it is */
#define KEEP 0
#endif
#ifndef FORGET     /* 1: an owner with nothing under way may, once, forget the conversation and begin again under its generation.
                      2: also one whose write is not settled (rule 3 removed: it has to wait, or to give the shard up) */
#define FORGET 0
#endif
#ifndef BEGINHELD  /* 1: the lease is looked at when the end was read. 0: not (more than the code does; safe as well) */
#define BEGINHELD 1
#endif
#ifndef BEGINQ     /* rule 4. 1: the end is read at a quorum. 0: from one replica */
#define BEGINQ 1
#endif
#ifndef ONEREAD    /* rule 4. 1: the tail comes from one read. 0: from two, which may ask other replicas */
#define ONEREAD 1
#endif
#ifndef TAIL       /* rule 4. 1: the tail is written again under the own generation. 2: with its old time stamp. 0: not at all */
#define TAIL 1
#endif
#ifndef TAILKEYS   /* rule 4. 1: with its idempotency rows. 0: entries alone */
#define TAILKEYS 1
#endif
#ifndef WAIT       /* rule 4. 1: no head is told before that. 0: the certain part is */
#define WAIT 1
#endif
#ifndef RISING     /* rule 4. 1: where the generation falls the log ends. 0: whatever is dense is the log */
#define RISING 1
#endif
#ifndef MARK       /* rule 4. 1: the head that entries carry has moved by rule 3. 0: as writes returned */
#define MARK 1
#endif
#ifndef REPAIR     /* rule 6. 0: none. 1: reading a row writes that row to the replicas that lack it: a batch is torn */
#define REPAIR 0
#endif
#ifndef KEYS       /* rule 5. 1: the idempotency row is read before a message is appended. 0: not */
#define KEYS 1
#endif
#ifndef KEYLOG     /* rule 5. 1: it counts only if the log has that message there, 0: always */
#define KEYLOG 1
#endif
#ifndef KEYHEAD    /* rule 5. 1: and only up to the owner's head. 0: wherever a quorum read finds it */
#define KEYHEAD 1
#endif
#ifndef FRESH      /* rule 5. 1: what was looked up is used before the next commit or not at all. 0: whenever its turn comes */
#define FRESH 1
#endif
#ifndef STEPS      /* in which an idempotency row is looked up: 2, a replica each, or 1 */
#define STEPS 1
#endif
#ifndef BOUND      /* rule 6. 1: readers read up to the head that the owner told. 0: up to what they find */
#define BOUND 1
#endif
#ifndef TOLD       /* rule 6. 1: a head is told while the lease certainly holds. 0: any time */
#define TOLD 1
#endif
#ifndef READQ      /* rule 6. 1: readers read at a quorum. 0: from one replica */
#define READQ 1
#endif

/* The row of generation g at seq s is number ROW(g,s); with REUSE the second content of that seq is NB further on. */
#define NB      (G*S)
#define NR      (NB*(1+REUSE))
#define ROW(g,s) (((g)-1)*S+(s)-1)
#define GEN(w)  (((w)%NB)/S+1)
#define SEQ(w)  ((w)%S+1)
#if TAIL==2
byte old[NR];                          /* the generation whose time stamp was kept */
#define AGE(w)  (old[w] -> old[w] : GEN(w))
#else
#define AGE(w)  GEN(w)
#endif
#if STAMP                              /* which of two rows stays; of equal ones Cassandra takes the greater value */
#define RANK(w) (AGE(w)*8+msg[w])
#else
#define RANK(w) ((G+1-AGE(w))*8+msg[w])
#endif
#define ISSUED  8

byte lease = 1;                        /* the generation that holds it: "certainly holds" is lease==g, and never wrong */
byte msg[NR];                          /* the message in the row */
byte mark[NR];                         /* the head that it carries */
bit  with[NR];                         /* in one mutation with the row before it */
byte log_[NR], key[NR];                /* ISSUED, and the replicas that have the entry, the idempotency row */
byte promised[S+1];                    /* by seq: acknowledged to a sender, or at or below a head that a reader was told */
#if !BOUND
byte seen[S+1];                        /* by a reader */
#endif

/* LITE: fewer schedules, to find what a removed rule breaks sooner; what it does not find says nothing. 1: an owner begins in
 * its own time and asks certain replicas, idempotency rows land when their batch settles. 2: and after its time an owner does
 * nothing, and what it issued lands by itself on one certain replica or on none. */
#ifndef LITE
#define LITE 0
#endif
#if LITE
inline pick2() { if :: g!=2 -> r1=0;r2=1 :: g==2 -> r1=1;r2=0 :: g>1 -> r1=1;r2=2 :: g==3 -> r1=0;r2=2 fi }
#else
inline pick2() { if :: r1=0;r2=1 :: r1=1;r2=0 :: r1=0;r2=2 :: r1=2;r2=0 :: r1=1;r2=2 :: r1=2;r2=1 fi }
#endif
#if LITE>1
#define STRAYS(w,r) ((r)==(GEN(w)-1)*2)
inline quorum(q) { q = (g==2 -> 6 : 3) }
#else
#define STRAYS(w,r) 1
inline quorum(q) { if :: q=3 :: q=5 :: q=6 fi }
#endif

/* Of what was issued any part has reached replica r by now: a batch as a whole, each idempotency row by itself. */
inline land(r) {
  for (w : 0 .. NR-1) {
    if
    :: !(log_[w]&ISSUED) || (log_[w]&(1<<r)) -> skip
    :: else -> if
               :: with[w] -> log_[w] = log_[w] | (log_[w-1]&(1<<r))
               :: !with[w]
               :: !with[w] && STRAYS(w,r) -> log_[w] = log_[w] | (1<<r)
               fi
    fi } w = 0 }
inline land_key(m_,r) {
  for (w : 0 .. NR-1) {
    if
    :: !LITE && (key[w]&ISSUED) && msg[w]==m_ && !(key[w]&(1<<r)) -> if :: skip :: key[w] = key[w] | (1<<r) fi
    :: else
    fi } w = 0 }
/* Row by row the latest time stamp, into found[] as number + 1. */
inline merge(r,upto) {
  for (w : 0 .. NR-1) {
    if
    :: (log_[w]&(1<<r)) && SEQ(w) <= upto && (!found[SEQ(w)] || RANK(w) > RANK(found[SEQ(w)]-1)) -> found[SEQ(w)] = w+1
    :: else
    fi } w = 0 }
inline merge_key(m_,r) {
  for (w : 0 .. NR-1) {
    if
    :: (key[w]&(1<<r)) && msg[w]==m_ && (!hit || RANK(w) > RANK(hit-1)) -> hit = w+1
    :: else
    fi } w = 0 }

/* Whatever lands from now on, every quorum read of every promised seq gives what was promised. */
inline check() {
#if BOUND
  for (x : 1 .. S) {
    if
    :: promised[x] ->
       for (y : 0 .. 2) {
         z = 0;
         for (w : 0 .. NR-1) {
           if
           :: SEQ(w)==x && (log_[w] & (READQ -> 7-(1<<y) : 1<<y)) && (!z || RANK(w)>RANK(z-1)) -> z = w+1
           :: else
           fi }
         assert(z);                                             /* 1: it is there */
         for (w : 0 .. NR-1) {
           if
           :: SEQ(w)==x && (log_[w]&ISSUED) && RANK(w) >= RANK(z-1) -> assert(msg[w]==promised[x])  /* 2: and stays */
           :: else
           fi } }
    :: else
    fi }
#endif
  x = 0; y = 0; z = 0; w = 0
}
inline promise(s_,m_) {
  assert(!promised[s_] || promised[s_]==m_);                    /* 2: a seq has one content */
  for (x : 1 .. S) { assert(x==s_ || promised[x]!=m_) }         /* 3: a message has one seq */
  assert(s_==1 || promised[s_-1]);                              /* 4: dense, in order */
  promised[s_] = m_; x = 0 }

/* log_end.cc. The highest mark is certain; what follows it densely, by generations that do not fall, is the tail. */
inline end_of_log() {
  for (x : 1 .. S) { if :: found[x] && mark[found[x]-1] > head -> head = mark[found[x]-1] :: else fi }
  if :: head && !found[head] -> assert(lease!=g); head = 0; stale = 1 :: else fi;  /* `damaged`, unless somebody writes on */
  end = head;
  do
  :: end < S && found[end+1] && (!RISING || !end || AGE(found[end+1]-1) >= AGE(found[end]-1)) -> end++
  :: else -> break
  od;
  for (x : 1 .. end) { mine[x] = msg[found[x]-1] }
  x = 0 }

proctype Owner(byte g) {
  byte found[S+1], mine[S+1];     /* mine: the log as this owner has it */
  byte head, sent, end, tail;     /* committed; issued up to; known up to; what must be committed before a head is told */
  byte base;                      /* the head as found: what follows was committed by this owner, who knows it */
  byte w, x, y, z, r1, r2, m, hit, aside;
  bit forgot, stale;
#if LITE
  lease == g;
#else
  lease >= g;
#endif

begin:
  atomic { pick2(); land(r1); merge(r1,S) }
#if BEGINQ
  atomic { land(r2); merge(r2,S) }
#endif
#if !ONEREAD
  atomic { if :: x = 0 :: x = 1 :: S>2 -> x = 2 fi;
           for (y : 1 .. x) { found[y] = 0 } y = 0;
           pick2(); land(r1); merge(r1,x) }
  atomic { land(r2); merge(r2,x); x = 0 }
#endif
#if BEGINHELD
  if :: lease==g :: else -> goto gone fi;
#endif
  d_step {
    end_of_log();
    sent = head; base = head; r1 = 0; r2 = 0; tail = (WAIT -> end : 0);
#if TAIL==0
    head = end; sent = end;
#endif
#if TAIL==1 && TAILKEYS
    for (x : 1 .. S) { found[x] = 0 } x = 0;
#endif
  }
  if :: stale -> goto gone :: else fi;

again:
  do
  /* The next batch is issued: the tail, which may be one of two and was one mutation, or what was appended since. */
  :: atomic { sent < end && (!FLIGHT || sent==head) && ((LEASE!=1 && LITE<2) || lease==g) ->
       z = sent+1;
       if
       :: B==1 || sent+1==end -> sent++
       :: B>1 && sent+1<end -> sent = sent+2
       :: B>1 && sent+1<end && sent>=tail -> sent++
       fi;
       for (x : z .. sent) {
         w = ROW(g,x);
#if REUSE
         if :: msg[w] && msg[w]!=mine[x] -> w = w + NB :: else fi;
#endif
         assert(!msg[w] || (msg[w]==mine[x] && mark[w]==head && with[w]==(x>z)));   /* the very same write, or none before */
         msg[w] = mine[x]; mark[w] = head; with[w] = (x>z);
         log_[w] = log_[w] | ISSUED;
#if TAIL==2
         if :: found[x] && msg[found[x]-1]==msg[w] -> old[w] = AGE(found[x]-1) :: else fi;
#endif
#if !TAILKEYS
         if :: found[x] && msg[found[x]-1]==msg[w] :: else -> key[w] = key[w] | ISSUED fi;
#else
         key[w] = key[w] | ISSUED;
#endif
       }
       w = 0; x = 0; z = 0; check() }

  /* The batch after the head is at a quorum, each idempotency row at one of its own; then the lease is looked at. */
  :: atomic { sent > head && (LEASE!=2 || !MARK || lease==g) ->
       quorum(r1);
       do
       :: w = ROW(g,head+1);
#if REUSE
          if :: msg[w+NB] -> w = w + NB :: else fi;
#endif
          log_[w] = log_[w] | r1;
          if :: key[w]&ISSUED -> quorum(r2); key[w] = key[w] | r2 :: else fi;
          head++;
          if :: MARK -> promise(head, mine[head]) :: else fi;
          if :: head < sent && with[w+1] :: else -> break fi
       od;
       r1 = 0; r2 = 0; w = 0; check() }

  /* A reader is told the head; or, with a mark that moves by itself, senders are answered. No step if that says nothing new. */
  :: atomic { head >= tail && (!TOLD || lease==g) && ((head && !promised[head]) || (head < S && promised[head+1])) ->
       assert(head==S || !promised[head+1]);                    /* 1: what was promised is below every later head */
       for (z : 1 .. head) { promise(z, mine[z]) }
       z = 0; check() }

  /* A message comes, for the first time or again: its idempotency row is looked up. */
  :: atomic { end < S && (!FLIGHT || (sent==head && end < head+B)) && head >= tail && (!FLIGHT || end==head || end>tail) && (LITE<2 || lease==g) ->
       if :: m = 1 :: M>1 -> m = 2 :: M>2 -> m = 3 fi;
       x = base+1; do :: x<=end && mine[x]!=m -> x++ :: else -> break od;
       if
       :: x <= end -> x = 0; m = 0
       :: else -> x = 0;
#if KEYS
          pick2(); land_key(m,r1); merge_key(m,r1);
#if STEPS==1
          land_key(m,r2); merge_key(m,r2); r1 = 0; r2 = 0;
#endif
#endif
          goto second
       fi }
#if !FRESH
  :: d_step { aside && sent==head && end < head+B && end < S ->
       x = head+1; do :: x<=end && mine[x]!=aside -> x++ :: else -> break od;
       if :: x <= end :: else -> end++; mine[end] = aside fi; x = 0; aside = 0 }
#endif
#if REUSE
  :: d_step { sent > head && sent==end && sent==head+1 && !msg[ROW(g,sent)+NB] -> mine[end] = 0; end--; sent-- }
#endif
#if FORGET
  :: d_step { !forgot && (FORGET==2 || (sent==head && end==head && head >= tail)) ->
       forgot = 1; head = 0; base = 0; sent = 0; end = 0; tail = 0;
       for (x : 1 .. S) { mine[x] = 0; found[x] = 0 } x = 0 } goto begin
#endif
#if KEEP
  :: atomic { g==1 && lease==G && sent==head && end==head -> g = G }
#endif
  od;

second:
  atomic {
#if KEYS && STEPS==2
    land_key(m,r2); merge_key(m,r2); r1 = 0; r2 = 0;
#endif
    if
    :: hit && !KEYLOG -> if :: lease==g -> promise(SEQ(hit-1), m); check() :: else fi
    :: hit && KEYLOG && KEYHEAD && SEQ(hit-1) <= base && mine[SEQ(hit-1)]==m -> promise(SEQ(hit-1), m); check()
#if !KEYHEAD
    :: hit && SEQ(hit-1) > 0 -> /* what one quorum has there now */
       land(0); land(1); land(2); quorum(r1); z = 0;
       for (w : 0 .. NR-1) {
         if :: SEQ(w)==SEQ(hit-1) && (log_[w]&r1) && (!z || RANK(w)>RANK(z-1)) -> z = w+1 :: else fi }
       if
       :: z && msg[z-1]==m -> promise(SEQ(hit-1), m); check()
       :: else -> end++; mine[end] = m
       fi; r1 = 0; z = 0; w = 0
#endif
#if !FRESH
    :: !hit && !aside -> aside = m
#endif
    :: else -> end++; mine[end] = m
    fi;
    hit = 0; m = 0 };
  goto again;
gone: skip
}

#if REPAIR
/* Somebody reads seq 2 alone at a quorum, once, and the replica that lacks what is found is given it. */
proctype Reads() {
  byte found[S+1], w, r1, r2, g;
  g = G;
  atomic { pick2(); land(r1); land(r2); merge(r1,S); merge(r2,S);
    if :: found[2] -> log_[found[2]-1] = log_[found[2]-1] | (1<<r1) | (1<<r2) :: else fi }
}
#endif
#if !BOUND
/* A reader who does not ask the owner where the end is. */
proctype Reads() {
  byte found[S+1], w, x, r1, r2, must, end, g;
  g = G;
  do
  :: atomic {
       for (x : 1 .. S) { if :: promised[x] || seen[x] -> must = x :: else fi }
       pick2(); land(r1); merge(r1,S) }
     atomic {
       land(r2); merge(r2,S);
       do :: end < S && found[end+1] -> end++ :: else -> break od;
       assert(must <= end);
       for (x : 1 .. end) {
         assert(!seen[x] || seen[x]==msg[found[x]-1]);
         assert(!promised[x] || promised[x]==msg[found[x]-1]);
         seen[x] = msg[found[x]-1] }
       for (x : 1 .. S) { found[x] = 0 } x = 0; r1 = 0; r2 = 0; must = 0; end = 0 }
  od
}
#endif

proctype Coordinator() { do :: lease < G -> lease++ :: else -> break od }

init { atomic {
  byte g;
  for (g : 1 .. G) { if :: !KEEP || g<G -> run Owner(g) :: else fi }
  run Coordinator();
#if REPAIR || !BOUND
  run Reads();
#endif
} }
