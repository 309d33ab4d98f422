// SPDX-License-Identifier: Apache-2.0
/* The transaction of a group of three, for spin (docs/state-machines.md; tests/model/run.py lists the variants).

   A state is what the gateway has stored (decision, phases, orders), what it only remembers (gates, doubts), what waits in the
   plugin for each child, and what each child really is. Each step below is one apply() of the daemon, one order that is
   carried out, or one fault. Faults are counted, so that they stop; everything else may happen in any order.

   What it is asked: rest never mixes versions but in `split`, with a member that died or flaps; nothing blocks before it
   rests; no decision is taken back; nobody goes back without a reason; and there is no cycle at all, so that every run ends.

   Variants: C0 C1 C2 = class of each member; ORDERED = they are activated one after the other, else side by side;
   DEAD = this one may die for ever; REFUSING = never takes the new image; FLAPPING = may refuse any swap;
   CURRENT = runs the new image already; FOREIGN = somebody had marked the image on it; FORCED = a further one
   that is irrevocable, which an operator forced along: it waits for COMMIT; UNSTAGEABLE = the irrevocable one
   installs as it receives; ATTEMPTS = further ones. BROKEN_* = a rule left out: spin has to find what follows. NEVER = a phase that the last member
   is said never to rest in: spin has to find that it does. */
#ifndef C0
#define C0 self_reverting
#endif
#ifndef C1
#define C1 self_reverting
#endif
#ifndef C2
#define C2 self_reverting
#endif
#ifndef CUTS
#define CUTS 2
#endif
#ifndef CRASHES
#define CRASHES 1
#endif
#ifndef LOSSES
#define LOSSES 1
#endif
#ifndef REPEATS
#define REPEATS 1
#endif
#ifndef ATTEMPTS
#define ATTEMPTS 0
#endif
#ifndef DEAD
#define DEAD 9
#endif
#ifndef REFUSING
#define REFUSING 9
#endif
#ifndef FLAPPING
#define FLAPPING 9
#endif
#ifndef CURRENT
#define CURRENT 9
#endif
#ifndef FOREIGN
#define FOREIGN 9
#endif
#ifndef FORCED
#define FORCED 9
#endif
#define MEMBERS 3
#define MOST_UNSURE 2 /* ACTIVATE, of which nobody knows whether it was carried out; as in core/bounds.hpp */
#define MOST_ORDERS 6 /* all that one attempt, COMMIT or BACK may give to a member; the same */

mtype:phase = { preflight, offered, backing_up, transferring, staged, activating, testing, confirmed, refused, deferred,
                resting, reverting, reverted, cancelled, split };
mtype:decision = { decision_none, decision_activate, decision_pivot, decision_commit, decision_back };
mtype:gate = { gate_none, gate_preflight, gate_staged, gate_healthy };
mtype:order = { order_none, order_activate, order_confirm, order_revert };
mtype:class = { self_reverting, swap_back, irrevocable };

/* Each child, as it is. The slot that does not run holds the other one of its two images. */
mtype:class class[MEMBERS];
bool runs_new[MEMBERS], marked[MEMBERS], sealed[MEMBERS]; /* sealed: what runs is confirmed */
bool is_dead;

/* In the plugin: the order that waits or is under way, and one that the link repeats. They outlive the daemon. */
mtype:order queue[MEMBERS], echo[MEMBERS];
bool guard_new[MEMBERS], echo_guard_new[MEMBERS]; /* what must run, or the order is not carried out */

/* The daemon, stored. */
mtype:decision decision = decision_none;
mtype:phase phase[MEMBERS];
byte orders[MEMBERS];
byte attempts = ATTEMPTS;

/* The daemon, gone with it. */
mtype:gate gate[MEMBERS];
bool in_doubt[MEMBERS], awaited[MEMBERS]; /* awaited: the answer to what is in the queue */
bool in_round;

/* The world. */
byte cuts = CUTS, crashes = CRASHES, losses = LOSSES, repeats = REPEATS;
bool has_reason; /* something has happened that a group may go back for */
bool at_rest;
#ifdef BROKEN_NOT_DURABLE
mtype:decision stored = decision_none;
#endif

#define each(j) j : 0 .. MEMBERS - 1
#define is_gone(i) (i == DEAD && is_dead)
#ifdef BROKEN_NO_PIVOT
#define is_pivot(i) false
#else
#define is_pivot(i) (class[i] == irrevocable && i != FORCED)
#endif
#define is_touched_last(i) (is_pivot(i) || i == FORCED)
#define has_pivot (is_pivot(0) || is_pivot(1) || is_pivot(2))
#define is_lost_pivot(i) (is_pivot(i) && is_gone(i) && phase[i] == split)
#define all3(what) (what(0) && what(1) && what(2))
#define rests_on_new(i) (runs_new[i] && sealed[i] && !marked[i])
#define rests_on_old(i) ((!runs_new[i] || i == CURRENT) && sealed[i] && !marked[i])
#ifdef BROKEN_FORGET_MARK
#define is_back(i) (!runs_new[i] || i == CURRENT)
#else
#define is_back(i) rests_on_old(i)
#endif
#define nothing_waits(i) (queue[i] == order_none && echo[i] == order_none)
#ifdef BROKEN_DROP_FENCE
#define may_inspect(i) (in_doubt[i] && !is_gone(i))
#else
#define may_inspect(i) (in_doubt[i] && !is_gone(i) && nothing_waits(i))
#endif

/* After COMMIT and BACK, what a member may still be told: without end, if it does what it is told. A lost answer, a power
   cut, a restart of the daemon are not its fault, and each costs an order or two. */
#ifdef BROKEN_COUNT_ALL_ORDERS
#define is_counted(i) true
#else
#define is_counted(i) (decision == decision_activate || decision == decision_pivot || i == FLAPPING || i == REFUSING)
#endif
#define may_order(i) (!is_counted(i) || orders[i] < MOST_ORDERS)

/* ------------------------------------------------------------------------------------------------------- the child */

inline swap(i) {
  if
  :: i == REFUSING && !runs_new[i] -> has_reason = true
  :: i == FLAPPING -> has_reason = true
  :: i != REFUSING || runs_new[i] ->
     if
     :: class[i] == irrevocable -> runs_new[i] = true; sealed[i] = true
     :: else -> runs_new[i] = !runs_new[i]; sealed[i] = (class[i] == swap_back)
     fi
  fi
}

/* Any reset, asked for or not. */
inline boot(i) {
  if
  :: marked[i] -> marked[i] = false; swap(i)
  :: !marked[i] && !sealed[i] -> runs_new[i] = !runs_new[i]; sealed[i] = true
  :: else -> skip
  fi
}

/* Mark the new image, unless it runs, and reset. */
inline put_new(i) {
  if
  :: runs_new[i] -> skip
#ifdef UNSTAGEABLE
  :: !runs_new[i] && class[i] == irrevocable -> swap(i)
  :: !runs_new[i] && class[i] != irrevocable -> marked[i] = true
#else
  :: !runs_new[i] -> marked[i] = true
#endif
  fi;
  boot(i)
}

/* Play a mark through; then mark the other image, or reset one away that is not confirmed. */
inline put_old(i, believed_new) {
  if
  :: marked[i] -> boot(i)
  :: else -> skip
  fi;
  if
  :: believed_new && class[i] == swap_back || runs_new[i] && sealed[i] && class[i] == swap_back -> marked[i] = true; boot(i)
  :: else -> if :: !sealed[i] -> boot(i) :: else -> skip fi
  fi
}

inline carry_out(i, what, must_run_new) {
  if
#ifndef BROKEN_DROP_GUARD
  :: runs_new[i] != must_run_new -> skip
#endif
  :: else ->
     if
     :: what == order_activate -> put_new(i)
     :: what == order_confirm -> sealed[i] = true
     :: what == order_revert -> put_old(i, must_run_new)
     fi
  fi
}

/* ------------------------------------------------------------------------------------------------------ decisions */

inline set_decision(to) {
#ifndef UNWATCHED
  assert(decision == decision_none && to == decision_activate ||
         decision == decision_activate && (to == decision_pivot || to == decision_commit || to == decision_back) ||
         decision == decision_pivot && (to == decision_commit || to == decision_back));
#endif
  decision = to
}

/* For the whole group, in one transaction of the database. What is under way stays so; nobody listens to its answer. */
inline begin_anew(k) {
  in_round = false;
  for (each(k)) {
    orders[k] = 0; gate[k] = gate_none; in_doubt[k] = true; awaited[k] = false
  }
}

inline decide_back(k) {
  assert(has_reason);
  set_decision(decision_back);
  begin_anew(k);
  for (each(k)) { phase[k] = reverting }
}

inline decide_commit(k) {
  set_decision(decision_commit);
  begin_anew(k)
}

/* Before ACTIVATE: what becomes of one becomes of all. */
inline end_attempt(k, p) {
  begin_anew(k);
  for (each(k)) { phase[k] = p; in_doubt[k] = false }
}

inline send(i, what) {
  queue[i] = what; guard_new[i] = runs_new[i]; awaited[i] = true;
  in_doubt[i] = false;
  if :: is_counted(i) -> orders[i] = orders[i] + 1 :: else -> skip fi
}

/* ------------------------------------------------------------------------- what a report means: in each phase */

inline judge_preflight(i) {
  if
  :: rests_on_old(i) -> gate[i] = gate_preflight; in_doubt[i] = false
  :: else -> send(i, order_revert) /* somebody else's mark or test is played through first */
  fi
}

inline judge_staged(i, k) {
  if
  :: rests_on_old(i) -> gate[i] = gate_staged; in_doubt[i] = false
  :: !rests_on_old(i) && decision == decision_none -> end_attempt(k, deferred)
  :: !rests_on_old(i) && decision == decision_activate -> decide_back(k)
  fi
}

/* ACTIVATE is decided, and nothing that cannot be undone. */
inline judge_activated(i, was_done, k) {
  if
  :: runs_new[i] && !marked[i] -> /* healthy; unhealthy() is the other end */
     phase[i] = testing; gate[i] = gate_healthy; in_doubt[i] = false
  :: !runs_new[i] && phase[i] == activating && marked[i] && may_order(i) -> send(i, order_activate)
  :: !runs_new[i] && phase[i] == activating && !marked[i] && !was_done && orders[i] < MOST_UNSURE ->
     send(i, order_activate)
  :: else -> decide_back(k)
  fi
}

/* PIVOT is decided. Only the pivot's report counts; the others hold still, whatever became of them. */
inline judge_pivot(i, was_done, k) {
  if
  :: !is_pivot(i) ->
     in_doubt[i] = false;
#ifdef BROKEN_BACK_AFTER_PIVOT
     if :: !runs_new[i] -> decide_back(k) :: else -> skip fi
#endif
  :: is_pivot(i) && runs_new[i] -> decide_commit(k)
#ifdef BROKEN_PIVOT_MARKED_BACK
  :: is_pivot(i) && !runs_new[i] && marked[i] -> decide_back(k)
#else
  :: is_pivot(i) && !runs_new[i] && marked[i] -> phase[i] = activating; send(i, order_activate) /* it will, at any reset */
#endif
  :: is_pivot(i) && !runs_new[i] && !marked[i] && !was_done && orders[i] < MOST_UNSURE ->
     phase[i] = activating; send(i, order_activate)
  :: is_pivot(i) && !runs_new[i] && !marked[i] && (was_done || orders[i] >= MOST_UNSURE) -> decide_back(k)
  fi
}

inline judge_committed(i, k) {
  if
  :: rests_on_new(i) -> phase[i] = confirmed; in_doubt[i] = false
  :: !rests_on_new(i) && runs_new[i] && may_order(i) -> phase[i] = testing; send(i, order_confirm)
  :: !rests_on_new(i) && !runs_new[i] && may_order(i) ->
#ifdef BROKEN_TWO_DECISIONS
     decide_back(k)
#else
     phase[i] = activating; send(i, order_activate)
#endif
  :: else -> phase[i] = split; in_doubt[i] = false
  fi
}

/* A confirmed image of one that is only known to revert by itself stays. */
#define is_stuck(i) (runs_new[i] && (class[i] == irrevocable || class[i] == self_reverting && sealed[i]))

inline judge_reverting(i) {
  if
  :: is_back(i) -> phase[i] = reverted; in_doubt[i] = false
  :: !is_back(i) && !is_stuck(i) && may_order(i) -> send(i, order_revert)
  :: else -> phase[i] = split; in_doubt[i] = false
  fi
}

inline judge(i, was_done, k) {
  if
  :: phase[i] == preflight -> judge_preflight(i)
  :: phase[i] == staged && decision != decision_pivot && decision != decision_commit -> judge_staged(i, k)
  :: (phase[i] == activating || phase[i] == testing) && decision == decision_activate -> judge_activated(i, was_done, k)
  :: decision == decision_pivot -> judge_pivot(i, was_done, k)
  :: decision == decision_commit -> judge_committed(i, k)
  :: phase[i] == reverting -> judge_reverting(i)
  :: else -> in_doubt[i] = false
  fi
}

/* -------------------------------------------------------------------------------- the daemon and the plugin: one member */

#ifdef ORDERED
#define comes_after(i, j) (i > j)
#else
#define comes_after(i, j) false
#endif
#define is_well(j) (gate[j] == gate_healthy)
#define lets_activate(i, j) (!comes_after(i, j) || is_touched_last(j) || is_well(j))
/* Who comes later goes back first; one that is silent is not waited for. */
#ifdef BROKEN_BACK_WAITS
#define lets_go_back(i, j) (!comes_after(j, i) || phase[j] == reverted || phase[j] == split)
#else
#define lets_go_back(i, j) (!comes_after(j, i) || phase[j] == reverted || phase[j] == split || is_gone(j))
#endif
#define is_its_turn(i) (phase[i] != reverting || lets_go_back(i, 0) && lets_go_back(i, 1) && lets_go_back(i, 2))
#define all_staged (phase[0] == staged && phase[1] == staged && phase[2] == staged)
#define is_inspected(i) (phase[i] == preflight || phase[i] == reverting || decision != decision_none || all_staged)

proctype member(byte i) {
  byte k;
  bool is_done;
end:
  do
  /* The way to staged. */
  :: atomic { phase[i] == offered -> if :: phase[i] = backing_up :: end_attempt(k, refused) :: end_attempt(k, deferred) fi; k = 0 }
  :: atomic { phase[i] == backing_up -> phase[i] = transferring }
  :: atomic { phase[i] == transferring -> if :: phase[i] = staged; in_doubt[i] = true :: end_attempt(k, deferred) fi; k = 0 }
  :: atomic { phase[i] == preflight && in_doubt[i] -> if :: end_attempt(k, refused) :: end_attempt(k, deferred) fi; k = 0 }

  /* It is asked. */
  :: atomic { may_inspect(i) && is_inspected(i) && is_its_turn(i) && phase[i] != split -> judge(i, false, k); k = 0 }

  /* Its turn to be activated. */
  :: atomic { decision == decision_activate && phase[i] == staged && gate[i] == gate_staged && !is_touched_last(i) && !in_round &&
              lets_activate(i, 0) && lets_activate(i, 1) && lets_activate(i, 2) ->
              gate[i] = gate_none; phase[i] = activating; send(i, order_activate); guard_new[i] = false }

  /* The order is carried out, and perhaps answered: or half of it, or it is lost, or repeated. */
  :: atomic { queue[i] != order_none && echo[i] == order_none && !is_gone(i) ->
              is_done = (runs_new[i] == guard_new[i]); /* else it is refused, and the answer says what runs */
              carry_out(i, queue[i], guard_new[i]);
              if
              :: repeats > 0 -> repeats--; echo[i] = queue[i]; echo_guard_new[i] = guard_new[i]
              :: true -> skip
              fi;
              if
              :: awaited[i] -> awaited[i] = false; queue[i] = order_none; guard_new[i] = false; judge(i, is_done, k)
              :: else -> queue[i] = order_none; guard_new[i] = false
              fi;
              is_done = false; k = 0 }
  :: atomic { queue[i] == order_activate && losses > 0 && !runs_new[i] && !is_gone(i) ->
              losses--; has_reason = true;
#ifndef UNSTAGEABLE
              marked[i] = true;
#endif
              queue[i] = order_none; guard_new[i] = false; awaited[i] = false; in_doubt[i] = true }
  :: atomic { queue[i] == order_revert && losses > 0 && marked[i] && !is_gone(i) ->
              losses--; boot(i); queue[i] = order_none; guard_new[i] = false; awaited[i] = false; in_doubt[i] = true }
  :: atomic { queue[i] != order_none && awaited[i] && (losses > 0 || is_gone(i)) -> /* nobody answers in time */
              if :: is_gone(i) -> skip :: else -> losses-- fi;
              has_reason = true; awaited[i] = false; in_doubt[i] = true }
  :: d_step { queue[i] != order_none && !awaited[i] -> queue[i] = order_none; guard_new[i] = false } /* dropped */
  :: atomic { echo[i] != order_none && !is_gone(i) -> carry_out(i, echo[i], echo_guard_new[i]);
              echo[i] = order_none; echo_guard_new[i] = false }
  :: d_step { echo[i] != order_none -> echo[i] = order_none; echo_guard_new[i] = false }

  /* Silence until its time has passed. */
  :: atomic { in_doubt[i] && (is_gone(i) || losses > 0) && nothing_waits(i) &&
              (decision == decision_activate || decision == decision_none && is_inspected(i) && phase[i] != deferred
               && phase[i] != refused && phase[i] != cancelled || decision == decision_pivot && is_pivot(i) && phase[i] != split) ->
              if :: is_gone(i) -> skip :: else -> losses-- fi;
              has_reason = true;
              if
              :: decision == decision_none -> end_attempt(k, deferred)
              :: decision == decision_activate -> decide_back(k)
              :: decision == decision_pivot -> phase[i] = split /* the others stay as they are, and it is asked on */
              fi;
              k = 0 }

  /* Split is left by its own report. */
  :: atomic { phase[i] == split && !is_gone(i) && nothing_waits(i) && decision == decision_pivot -> judge_pivot(i, false, k); k = 0 }
  :: atomic { phase[i] == split && !is_gone(i) && nothing_waits(i) && decision == decision_commit && rests_on_new(i) -> phase[i] = confirmed }
  :: atomic { phase[i] == split && !is_gone(i) && nothing_waits(i) && decision == decision_back && rests_on_old(i) -> phase[i] = reverted }

  /* It is found unhealthy, at any time before PIVOT and COMMIT. */
  :: atomic { decision == decision_activate && phase[i] == testing -> has_reason = true; decide_back(k); k = 0 }
  od
}

/* ------------------------------------------------------------------------------------------------------- the group */

#define at_preflight(i) (gate[i] == gate_preflight)
#define at_staged(i) (gate[i] == gate_staged)
#define at_healthy(i) (is_touched_last(i) && gate[i] == gate_staged || !is_touched_last(i) && gate[i] == gate_healthy)
#define is_ended(i) (phase[i] == confirmed || phase[i] == reverted || phase[i] == refused || phase[i] == deferred || \
                     phase[i] == resting || phase[i] == cancelled)
#define ends_split(i) (phase[i] == split && (is_gone(i) || decision == decision_commit && !rests_on_new(i) || \
                                             decision == decision_back && !rests_on_old(i)))
#define waits_for_dead(i) (is_gone(i) && (decision == decision_commit || decision == decision_back))
#define waits_for_pivot (decision == decision_pivot && (is_lost_pivot(0) || is_lost_pivot(1) || is_lost_pivot(2)))
#define rests(i) (is_ended(i) || ends_split(i) || waits_for_dead(i) || waits_for_pivot)
#define is_silent_old(i) (i == DEAD && is_dead || i == FLAPPING && phase[i] == split || rests_on_old(i))
#define is_silent_new(i) (i == DEAD && is_dead || i == FLAPPING && phase[i] == split || rests_on_new(i))
/* Nothing was decided: what somebody else had marked, and nobody has played through yet, is his. */
#define is_not_ours (FOREIGN < MEMBERS && decision == decision_none)
#define is_unmixed (all3(is_silent_old) || all3(is_silent_new) || waits_for_pivot || is_not_ours)
#define was_reverted(i) (phase[i] == reverted)
#if defined(BROKEN_COMMIT_EARLY)
#define may_commit (at_healthy(0) || at_healthy(1) || at_healthy(2))
#else
#define may_commit (all3(at_healthy) && in_round)
#endif

proctype group() {
  byte k;
  do
  :: atomic { !at_rest && all3(at_preflight) -> begin_anew(k);
              for (each(k)) { in_doubt[k] = (k == CURRENT); if :: k == CURRENT -> phase[k] = staged :: else -> phase[k] = offered fi };
              k = 0 }
  :: atomic { !at_rest && decision == decision_none && all3(at_staged) ->
              set_decision(decision_activate);
              for (each(k)) {
                orders[k] = 0;
                if :: k == CURRENT -> phase[k] = testing; gate[k] = gate_none; in_doubt[k] = true :: else -> skip fi };
              k = 0 }
  :: atomic { !at_rest && decision == decision_activate && all3(at_healthy) && !in_round ->
              for (each(k)) { gate[k] = gate_none; in_doubt[k] = true };
              in_round = true; k = 0 }
  :: atomic { !at_rest && decision == decision_activate && may_commit ->
              if
              :: has_pivot -> set_decision(decision_pivot); begin_anew(k);
                 for (each(k)) { if :: is_pivot(k) -> phase[k] = activating; send(k, order_activate) :: else -> in_doubt[k] = false fi }
              :: else -> decide_commit(k)
              fi;
              k = 0 }
  :: atomic { !at_rest && attempts > 0 && all3(was_reverted) -> attempts--; decision = decision_none; begin_anew(k);
#ifdef BROKEN_NOT_DURABLE
              stored = decision_none;
#endif
              for (each(k)) { phase[k] = preflight }; k = 0 }
#ifdef BROKEN_NOT_DURABLE
  :: atomic { stored != decision -> stored = decision }
#endif
  :: atomic { !at_rest && all3(rests) -> at_rest = true;
#ifdef NEVER
              assert(!(phase[2] == NEVER));
#endif
              assert(is_unmixed); break }
  od
}

/* ------------------------------------------------------------------------------------------------------- the world */

inline cut(i) {
  boot(i);
  cuts--;
  has_reason = true;
  assert(!at_rest || is_unmixed)
}

inline crash(k) {
  crashes--;
  in_round = false;
  for (each(k)) {
    /* An order that may be lost with the daemon was given, and is counted. */
    if :: awaited[k] && queue[k] == order_activate -> has_reason = true :: else -> skip fi;
    gate[k] = gate_none; in_doubt[k] = true; awaited[k] = false
  };
#ifdef BROKEN_NOT_DURABLE
  if :: decision != decision_activate -> decision = stored :: else -> skip fi;
#endif
  k = 0
}

proctype world() {
  byte k;
end:
  do
  :: atomic { cuts > 0 && !is_gone(0) -> cut(0) }
  :: atomic { cuts > 0 && !is_gone(1) -> cut(1) }
  :: atomic { cuts > 0 && !is_gone(2) -> cut(2) }
  :: atomic { crashes > 0 && !at_rest -> crash(k) }
  :: atomic { DEAD < MEMBERS && !is_dead && !at_rest -> is_dead = true; has_reason = true }
  /* The operator's abort. From PIVOT on it is refused. */
  :: atomic { decision == decision_none && !at_rest && phase[0] != cancelled && !is_ended(0) -> end_attempt(k, cancelled); k = 0 }
  :: atomic { decision == decision_activate && !at_rest -> has_reason = true; decide_back(k); k = 0 }
  od
}

init {
  byte k;
  atomic {
    class[0] = C0; class[1] = C1; class[2] = C2;
    for (each(k)) {
      runs_new[k] = (k == CURRENT); sealed[k] = true; marked[k] = (k == FOREIGN);
      queue[k] = order_none; echo[k] = order_none; gate[k] = gate_none;
      phase[k] = preflight; in_doubt[k] = true
    };
    k = 0;
    run member(0); run member(1); run member(2); run group(); run world()
  }
}
