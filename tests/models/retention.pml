/*
 * retention: a trim raises the log start and unlinks a segment, while somebody appends and rolls, a reader reads without a lock, and processes
 * are killed and the power fails between any two steps. mq-format(5) TRIM.
 *
 * What is modelled: segments of two records each; the folder's entries, the records, the snapshot at each segment's base, the page's words (end,
 * synced_end, log start), each in the page cache and on the disk; a power cut keeps any of what was not synced, and recovery what is whole from
 * the log start's segment on.
 *
 * What must hold: a log never ends before its start; what a trim did not ask for is never gone, from no reader either; after a power cut the log
 * has no hole and what was durable is there; what a removed segment said of its producer is known from a durable snapshot.
 */
#ifndef M
#define M 0
#endif
#define UNSYNCED_TRIM (M == 1)	/* what is not durable is trimmed */
#define WORD_LATE (M == 2)	/* unlinked before the log start is durable */
#define NEWEST_FIRST (M == 3)	/* the newer of two segments is unlinked first */
#define NO_SNAPSHOT (M == 4)	/* before the snapshot of the segment behind it is durable */
#define WORD_FALLS (M == 5)	/* the log start is stored, not raised */
#define NO_LOOK (M == 6)	/* a reader who misses a segment takes that for the end */
#define MUTANTS 6

#ifndef CRASHES
#define CRASHES 2
#endif
#define SEGMENTS 3
#define RECORDS 6 /* two in each segment */
#define KILL 1
#define POWER 2

bit here[SEGMENTS], d_here[SEGMENTS];	  /* the segment's entry in the folder */
bit data[RECORDS], d_data[RECORDS];	  /* written */
bit snap[SEGMENTS + 1], d_snap[SEGMENTS + 1]; /* the snapshot at its base */
byte end, synced, d_synced;		  /* published, synced_end; the disk's word is a lower bound */
byte start, d_start;			  /* the log start */
byte asked;				  /* the greatest offset that a trim was asked for */
bit last_lock;				  /* who trims holds it */
byte crashes = CRASHES;
bit power;				  /* the power failed: all end */
byte ended;				  /* processes that have */

#define BASE(o) ((o) / 2)

inline step_or_die()
{
	if
	:: crashes > 0 && !power -> crashes--; goto over
	:: crashes > 0 && !power -> crashes--; power = 1; goto over
	:: power -> goto over
	:: !power
	fi
}
#define STEP(what) atomic { step_or_die(); what; check() }

inline check()
{
	assert(start <= end);
	assert(start <= asked);
	assert(d_start <= d_synced || d_start <= synced)
}

/* Appends until the log is full; each record may be synced, and whoever rolls syncs the segment before the one it closes. */
proctype Appender()
{
	byte b;
	do
	:: end < RECORDS ->
		if
		:: end % 2 == 0 && end > 0 -> STEP(here[BASE(end)] = 1; d_here[BASE(end)] = 1) /* the folder is synced at a roll */
		:: else
		fi;
		STEP(data[end] = 1; end++);
		if
		:: STEP(d_data[end - 1] = 1; if :: end > 1 -> d_data[end - 2] = 1 :: else fi; b = 0;
			do :: b < end -> d_data[b] = data[b] || d_data[b]; b++ :: else -> break od; b = 0; synced = end)
		:: skip
		fi
	:: else -> break
	od;
over:	atomic { b = 0; ended++ }
}

inline unlink(g)
{
	if
	:: here[g] && 2 * (g + 1) <= start && g < BASE(end - 1) && here[g + 1] ->
		if
		:: NO_SNAPSHOT
		:: else -> STEP(snap[g + 1] = 1; d_snap[g + 1] = 1)
		fi;
		STEP(here[g] = 0)
	:: else
	fi
}

/* Two trims one after the other may be two processes: either may die. */
proctype Trimmer()
{
	byte to, n;
	do
	:: n < 2 ->
		n++;
		atomic { !last_lock || power -> if :: power -> goto over :: else -> last_lock = 1 fi };
		atomic {
			if
			:: end > 0 -> to = end
			:: end > 1 -> to = end - 1
			:: to = 0
			fi;
			/* At most the readable end, which is durable: who trims syncs first. */
			if
			:: UNSYNCED_TRIM
			:: else -> if :: to > synced -> to = synced :: else fi
			fi;
			if :: to > asked -> asked = to :: else fi
		}
		if
		:: WORD_FALLS -> STEP(start = to)
		:: else -> STEP(if :: to > start -> start = to :: else fi)
		fi;
		if
		:: WORD_LATE
		:: else -> STEP(d_start = start)
		fi;
		if
		:: NEWEST_FIRST -> unlink(1); unlink(0)
		:: else -> unlink(0); unlink(1)
		fi;
		STEP(d_start = start);
		atomic { to = 0; last_lock = 0 }
	:: else -> break
	od;
over:	atomic { last_lock = 0; n = 0; to = 0; ended++ }
}

/* Reads from the start to the end that it saw, without a lock: what is missing below the log start is lost to the trim, nothing else may be. */
proctype Reader()
{
	byte at, upto;
	atomic { at = start; upto = synced }
	do
	:: at < upto && !power ->
		if
		:: atomic { here[BASE(at)] -> assert(data[at]); at++ }
		:: atomic { !here[BASE(at)] ->
			if
			:: NO_LOOK -> assert(at >= asked || at >= upto); break
			:: else -> assert(at < start); at = start
			fi }
		fi
	:: else -> break
	od;
	atomic { at = 0; upto = 0; ended++ }
}

/* After a power cut: any entry and record that is not durable may be gone, and any that is unlinked may be back. */
proctype Boot()
{
	byte g, o;
	bit hole;
	atomic {
		ended == 3;
		if
		:: power ->
			/* The log start: the word of the disk, or a later one that was on its way. */
			if :: start = d_start :: skip fi;
			do
			:: g < SEGMENTS ->
				if
				:: d_here[g] != here[g] -> if :: here[g] = d_here[g] :: skip fi
				:: else
				fi;
				g++
			:: else -> break
			od;
			do
			:: o < RECORDS ->
				if
				:: d_data[o] != data[o] -> if :: data[o] = d_data[o] :: skip fi
				:: else
				fi;
				o++
			:: else -> break
			od;
			/* Recovery: from the segment of the log start, or the first that there is behind it, up to the first record that is missing. */
			o = 2 * BASE(start);
			do
			:: o < RECORDS && here[BASE(o)] && data[o] -> o++
			:: else -> break
			od;
			/* Nothing that is durable lies behind that end, and the log does not end before its start. */
			assert(o >= start);
			g = o;
			do
			:: g < synced -> assert(g < start || g < o); g++
			:: else -> break
			od
		:: else ->
			/* Of the segments below the log start the oldest went first. */
			do
			:: g < BASE(start) ->
				if :: here[g] -> hole = 1 :: !here[g] -> assert(!hole) fi;
				g++
			:: else -> break
			od
		fi;
		/* A removed segment's producer is known: by the snapshot of the one behind it. */
		g = 0;
		do
		:: g < SEGMENTS ->
			if
			:: !here[g] && 2 * g < start && data[2 * g] -> assert(power && d_snap[g + 1] || !power && snap[g + 1])
			:: else
			fi;
			g++
		:: else -> break
		od
	}
}

init
{
	atomic {
		here[0] = 1; d_here[0] = 1;
		run Appender(); run Trimmer(); run Reader(); run Boot()
	}
}
