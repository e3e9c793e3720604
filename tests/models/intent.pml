/*
 * intent: a set for two partitions, a batch and another behind it in each, committed and applied while processes are killed and the power
 * fails between any two steps. mq-format(5) INTENTS.
 *
 * What is modelled: the spool's bytes, its name, the page's word, the batches of both logs, each as it is in the page cache and as it is on
 * the disk; a power cut keeps any of what was not synced. The maker runs once, then others who find what waits, one after the other, because
 * they hold one lock; beside them somebody appends and rolls whenever the word lets him. At the end one runs undisturbed.
 *
 * What must hold: a reader of a partition, be it of all that is published or of what is durable, never sees one batch of the two, nor a batch
 * twice; recovery finds no damage; in the end both partitions hold the set or none does, and both if the maker was told so or the commit was
 * durable when the maker began to apply it; nothing waits.
 */
#ifndef M
#define M 0
#endif
#define FIRST_FIRST (M == 1)	/* the first batch is written before what lies behind it */
#define NO_SYNC_REST (M == 2)	/* what lies behind it is not durable when it is written */
#define NO_SYNC_SPOOL (M == 3)	/* the spool is renamed before it is durable */
#define NO_SYNC_COMMIT (M == 4) /* the maker applies before the rename is durable */
#define NO_SYNC_FOUND (M == 5)	/* so does who finds it */
#define NO_LOOK (M == 6)	/* who finds it does not look what is stored of it */
#define RAISE_LATE (M == 7)	/* the word is raised behind the rename */
#define UNLINK_EARLY (M == 8)	/* the file goes when all is published */
#define APPEND_BESIDE (M == 9)	/* others append, and roll, while the word is up */
#define WORD_UNSYNCED (M == 10) /* the raised word is not durable */
#define LOWER_EARLY (M == 11)	/* the word is lowered before the set is applied in both partitions */
#define MUTANTS 11

#ifndef CRASHES
#define CRASHES 3
#endif
#define CELLS 4

#define SPOOLED 0 /* values of the name: in spools/, */
#define COMMITTED 1 /* in intents/, */
#define GONE 2	    /* unlinked */

#define KILL 1
#define POWER 2

bit whole, whole_disk; /* the spool's bytes */
byte name, name_disk;
bit word, word_disk;
byte log[8], log_disk[8]; /* CELLS for each partition: 0 nothing, 1 the first batch, 2 the second */
byte end[2];		    /* published */
byte synced[2];		    /* synced_end */
byte synced_disk[2];
bit appender[2];
byte killed, crashes = CRASHES;
bit told, decided;
byte i, p, stored;

#define AT(p, k) (p) * CELLS + (k)

/* Before a step: nothing, or somebody rolls beside us, or the process is killed, or the power fails. */
inline crash()
{
	if
	:: crashes > 0 -> crashes--; killed = KILL
	:: crashes > 0 -> crashes--; killed = POWER
	:: skip
	fi
}

#define STEP(what) atomic { crash(); if :: killed -> goto over :: else -> what; look() fi }

/* Both kinds of readers. */
inline look()
{
	assert(end[0] % 2 == 0 && end[1] % 2 == 0 && end[0] <= 2 && end[1] <= 2);
	assert(synced[0] % 2 == 0 && synced[1] % 2 == 0)
}

/* An appender whose roll makes durable all below a segment's base, and the second batch begins one. He needs the append lock. */
inline beside(q)
{
	if
	:: (!word || APPEND_BESIDE) && end[q] == 2 && synced[q] == 0 ->
		log_disk[AT(q, 0)] = log[AT(q, 0)];
		synced[q] = 1
	:: skip
	fi
}

inline sync_log(q)
{
	i = 0;
	do
	:: i < CELLS -> log_disk[AT(q, i)] = log[AT(q, i)]; i++
	:: else -> break
	od
}

inline cut_log(q, from)
{
	i = from;
	do
	:: i < CELLS -> log[AT(q, i)] = 0; log_disk[AT(q, i)] = 0; i++
	:: else -> break
	od
}

inline raise_synced(q)
{
	sync_log(q);
	synced[q] = end[q]
}

/* What the log holds of the set; the log is durable then, so that it stays. */
inline find_stored(q)
{
	raise_synced(q);
	stored = (end[q] >= 2 && !NO_LOOK -> 2 : 0)
}

inline apply(q)
{
	stored = 0;
	if
	:: !fresh -> STEP(find_stored(q))
	:: else
	fi;
	if
	:: stored == 0 ->
		STEP(if :: appender[q] -> cut_log(q, end[q]) :: else fi; appender[q] = 1);
		if
		:: FIRST_FIRST -> STEP(log[AT(q, end[q])] = 1); STEP(log[AT(q, end[q] + 1)] = 2)
		:: else ->
			STEP(log[AT(q, end[q] + 1)] = 2);
			if
			:: NO_SYNC_REST
			:: else -> STEP(sync_log(q))
			fi;
			STEP(log[AT(q, end[q])] = 1)
		fi;
		STEP(end[q] = end[q] + 2);
		STEP(appender[q] = 0);
		STEP(beside(q))
	:: else
	fi;
	if
	:: UNLINK_EARLY
	:: else -> STEP(raise_synced(q))
	fi
}

/* The power was cut: of what was not synced anything may be there. */
inline keep(cache, disk)
{
	if
	:: cache == disk
	:: cache != disk -> cache = disk
	:: cache != disk -> disk = cache
	fi
}

/* The end is behind the batches in a row; what is kept is made durable, what lies behind it is cut. */
inline recover(q)
{
	end[q] = 0;
	do
	:: end[q] < CELLS && log[AT(q, end[q])] != 0 -> end[q] = end[q] + 1
	:: else -> break
	od;
	assert(end[q] >= synced[q]); /* damage */
	cut_log(q, end[q]);
	raise_synced(q);
	appender[q] = 0
}

inline lose_power()
{
	keep(whole, whole_disk);
	keep(word, word_disk);
	keep(name, name_disk);
	p = 0;
	do
	:: p < 2 ->
		i = 0;
		do
		:: i < CELLS -> keep(log[AT(p, i)], log_disk[AT(p, i)]); i++
		:: else -> break
		od;
		keep(synced[p], synced_disk[p]);
		p++
	:: else -> break
	od;
	recover(0);
	recover(1);
	synced_disk[0] = synced[0];
	synced_disk[1] = synced[1];
	p = 0;
	i = 0
}

inline raise()
{
	STEP(word = 1; word_disk = (WORD_UNSYNCED -> word_disk : 1))
}

inline commit()
{
	STEP(whole = 1);
	if
	:: NO_SYNC_SPOOL
	:: else -> STEP(whole_disk = 1)
	fi;
	if
	:: RAISE_LATE
	:: else -> raise()
	fi;
	STEP(name = COMMITTED);
	if
	:: RAISE_LATE -> raise()
	:: else
	fi;
	if
	:: NO_SYNC_COMMIT
	:: else -> STEP(name_disk = name; decided = 1)
	fi
}

inline let_go()
{
	STEP(name = GONE);
	STEP(name_disk = name);
	STEP(word = 0; word_disk = 0)
}

active proctype node()
{
	bit fresh = 1, last = 0;

	/* The maker. */
	commit();
	apply(0);
	if
	:: LOWER_EARLY -> STEP(word = 0; word_disk = 0)
	:: else
	fi;
	apply(1);
	STEP(told = 1);
	let_go();
over:
	/* Whoever comes next, as often as somebody dies. */
	atomic {
		if
		:: killed == POWER -> lose_power(); look()
		:: else
		fi;
		killed = 0;
		fresh = 0
	};
	if
	:: word && name == COMMITTED ->
		if
		:: NO_SYNC_FOUND
		:: else -> STEP(name_disk = name; decided = 1)
		fi;
		assert(whole); /* else it cannot be read */
		apply(0);
		apply(1);
		let_go()
	:: word && name != COMMITTED -> STEP(name_disk = name); STEP(word = 0; word_disk = 0)
	:: else
	fi;
	/* Once more the power may fail, with nobody at work. */
	STEP(skip);
	assert(name != COMMITTED && !word);
	assert(end[0] == end[1]);
	assert(!(told || decided) || end[0] == 2)
}
