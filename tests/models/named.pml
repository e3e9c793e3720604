/*
 * named: a named producer (mq-produce --id) that stores one input in two partitions, killed and cut off from power between any two steps, and
 * run again until it ends. mq-format(5) IDS.
 *
 * What is modelled: the records of both logs in the page cache and on the disk; the file of the name, which is replaced; the producer id, made
 * anew where no file is found; a checkpoint at any place; records of others between ours; a trim of what is durable, behind which only the
 * snapshot knows our last sequence number. A power cut keeps any of what was not synced, and recovery what is whole up to the first gap. What is
 * published is not synced, as with fsync=never.
 *
 * What must hold: no record is ever stored twice; those of a partition keep their order; when a run has said 0, or a rerun has ended, each
 * record is stored once, whatever fails afterwards.
 */
#ifndef M
#define M 0
#endif
#define BORN_LATE (M == 1)     /* the first batch is published before the file is there */
#define FILE_UNSYNCED (M == 2) /* the file is renamed into its place before it is durable */
#define NOT_LIVE (M == 3)      /* a checkpoint at the end is not taken back before more is published */
#define LOG_UNSYNCED (M == 4)  /* a checkpoint does not sync the log first */
#define OFFSET_LATE (M == 5)   /* it counts what was stored, then looks where the log ends */
#define NO_SEARCH (M == 6)     /* a rerun believes the file and does not look at the log */
#define NO_SNAPSHOT (M == 7)   /* what a trim removed is not counted */
#define ENTER_LATE (M == 8)    /* the second partition is not in the file before its first batch */
#define NAME_UNSYNCED (M == 9) /* a file that a killed run renamed is believed before that is durable */
#define MUTANTS 9

#ifndef CRASHES
#define CRASHES 2
#endif
#define RECORDS 4 /* record r goes to partition r % 2, as number r / 2 there */
#define CELLS 4	  /* of a partition */
#define OTHER 15
#define NONE 0
#define KILL 1
#define POWER 2

byte log[8], disk[8];	   /* CELLS for each partition: 0 nothing, 1 + record, or OTHER */
byte log_id[8];		   /* whose record it is */
byte end[2], start[2];
byte snapshot[2];	   /* of our id, below the start: records; kept by trims */
byte snapshot_id[2];

/* The file of the name, and what a power cut may leave of it. */
byte f_id, f_stored[2], f_offset[2];
bit f_live, f_in[2];
byte d_id, d_stored[2], d_offset[2];
bit d_live, d_in[2];
bit f_torn;		   /* its name is durable, its bytes are not */

byte ids;		   /* given so far */
byte times[RECORDS];	   /* that the record is stored, trimmed or not */
byte crashes = CRASHES, killed, others = 1, trims = 1;
byte most = 2;		   /* of the input; it grows when a run has ended */
byte told;		   /* so many records were said to be stored */

/* A run's memory. */
byte id, count[2], stored[2], offset[2];
bit live, in[2];
byte r, p, i, at;

#define AT(q, k) ((q) * CELLS + (k))

inline crash()
{
	if
	:: crashes > 0 -> crashes--; killed = KILL
	:: crashes > 0 -> crashes--; killed = POWER
	:: skip
	fi
}

#define STEP(what) atomic { crash(); if :: killed -> goto over :: else -> what fi }

inline keep_file()
{
	d_id = f_id; d_live = f_live; d_stored[0] = f_stored[0]; d_stored[1] = f_stored[1]; d_offset[0] = f_offset[0];
	d_offset[1] = f_offset[1]; d_in[0] = f_in[0]; d_in[1] = f_in[1]; f_torn = 0
}

/* The file is replaced: its bytes are durable, then its name. */
inline put_file()
{
	f_id = id; f_live = live; f_stored[0] = stored[0]; f_stored[1] = stored[1]; f_offset[0] = offset[0]; f_offset[1] = offset[1];
	f_in[0] = in[0]; f_in[1] = in[1]; f_torn = FILE_UNSYNCED
}
inline write_file()
{
	STEP(put_file());
	if
	:: FILE_UNSYNCED
	:: else -> STEP(keep_file())
	fi
}

/* Records of others come in between. */
inline other(q)
{
	if
	:: others > 0 && end[q] < CELLS - 1 -> others--; log[AT(q, end[q])] = OTHER; end[q]++
	:: skip
	fi
}

inline sync(q)
{
	i = start[q];
	do
	:: i < end[q] -> disk[AT(q, i)] = log[AT(q, i)]; i++
	:: else -> break
	od;
	i = 0
}

/* A trim makes durable what it lets go; the snapshot says how many of ours lay before. */
inline trim(q)
{
	if
	:: trims > 0 && start[q] < end[q] ->
		trims--;
		sync(q);
		if
		:: log[AT(q, start[q])] != OTHER ->
			if :: snapshot_id[q] != log_id[AT(q, start[q])] -> snapshot[q] = 0; snapshot_id[q] = log_id[AT(q, start[q])] :: else fi;
			snapshot[q]++
		:: else
		fi;
		start[q]++
	:: skip
	fi
}

/* How many of ours lie in the partition, by the file and by the log behind it. */
inline look(q)
{
	count[q] = stored[q];
	if
	:: NO_SEARCH || !in[q] || !live
	:: else ->
		i = offset[q];
		if
		:: i < start[q] ->
			i = start[q];
			if :: snapshot_id[q] == id && snapshot[q] > count[q] && !NO_SNAPSHOT -> count[q] = snapshot[q] :: else fi
		:: else
		fi;
		do
		:: i < end[q] ->
			if :: log[AT(q, i)] != OTHER && log_id[AT(q, i)] == id -> count[q]++ :: else fi;
			i++
		:: else -> break
		od;
		i = 0;
	fi
}

/* All that was stored so far is a checkpoint. */
inline checkpoint(stays_live)
{
	if
	:: LOG_UNSYNCED
	:: else -> STEP(sync(0); sync(1))
	fi;
	STEP(stored[0] = count[0]; stored[1] = count[1]; if :: OFFSET_LATE && r < most && end[r % 2] < CELLS -> publish() :: else fi;
	    offset[0] = (in[0] -> end[0] : 0); offset[1] = (in[1] -> end[1] : 0); live = stays_live);
	write_file()
}

inline publish()
{
	at = AT(r % 2, end[r % 2]);
	log[at] = 1 + r; log_id[at] = id;
	end[r % 2]++; count[r % 2]++;
	times[r]++;
	assert(times[r] == 1);
	assert(r < 2 || times[r - 2] == 1);
	at = 0;
	r++
}

/* Before the first batch to a partition, and before any behind a checkpoint that said there is none. */
inline enter(q)
{
	if
	:: in[q] && (live || NOT_LIVE)
	:: else ->
		STEP(if :: !in[q] -> offset[q] = end[q] :: else fi; in[q] = 1; live = 1);
		if
		:: BORN_LATE && f_id == 0
		:: ENTER_LATE && f_id != 0
		:: else -> write_file()
		fi
	fi
}

/* A power cut: of each cell that is not durable any may be gone, and recovery keeps what is whole before the first that is. */
inline lose(q)
{
	i = start[q];
	do
	:: i < end[q] ->
		if
		:: disk[AT(q, i)] == log[AT(q, i)] -> i++
		:: disk[AT(q, i)] != log[AT(q, i)] -> disk[AT(q, i)] = log[AT(q, i)]; i++
		:: disk[AT(q, i)] != log[AT(q, i)] -> break
		fi
	:: else -> break
	od;
	at = i;
	do
	:: i < end[q] ->
		if :: log[AT(q, i)] != OTHER -> times[log[AT(q, i)] - 1]-- :: else fi;
		log[AT(q, i)] = 0; disk[AT(q, i)] = 0; log_id[AT(q, i)] = 0; i++
	:: else -> break
	od;
	end[q] = at; at = 0; i = 0
}
inline power_cut()
{
	lose(0); lose(1);
	/* The new name may be there or the old; bytes that were not durable may be none, and then there is no such file. */
	if
	:: f_torn -> d_id = 0; d_live = 0; d_stored[0] = 0; d_stored[1] = 0; d_offset[0] = 0; d_offset[1] = 0; d_in[0] = 0; d_in[1] = 0; f_torn = 0
	:: keep_file()
	:: skip
	fi;
	f_id = d_id; f_live = d_live; f_stored[0] = d_stored[0]; f_stored[1] = d_stored[1]; f_offset[0] = d_offset[0]; f_offset[1] = d_offset[1];
	f_in[0] = d_in[0]; f_in[1] = d_in[1]
}

inline all_stored()
{
	assert(told < 1 || times[0] == 1 && times[1] == 1);
	assert(told < 3 || times[2] == 1 && times[3] == 1)
}

active proctype Runs()
{
again:	killed = NONE; r = 0;
	/* The name is taken, its file read, the log searched. */
	STEP(id = f_id; live = f_live; stored[0] = f_stored[0]; stored[1] = f_stored[1]; offset[0] = f_offset[0]; offset[1] = f_offset[1];
	    in[0] = f_in[0]; in[1] = f_in[1]; if :: id == 0 -> ids++; id = ids :: else fi);
	if
	:: NAME_UNSYNCED || f_id == 0 || f_torn
	:: else -> STEP(keep_file())
	fi;
	STEP(look(0); look(1));
	do
	:: r < most && r / 2 < count[r % 2] -> r++ /* equal to what is stored: skipped */
	:: r < most && r / 2 >= count[r % 2] ->
		p = r % 2;
		enter(p);
		STEP(other(p));
		STEP(publish());
		STEP(trim(p));
		if
		:: checkpoint(1)
		:: skip
		fi
	:: else -> break
	od;
	checkpoint(0);
	STEP(told = most; all_stored());
	/* The power may still fail; the input grows, and it is run again. */
	if
	:: crashes > 0 -> crashes--; power_cut(); all_stored()
	:: skip
	fi;
	if
	:: most < RECORDS -> most = RECORDS; goto again
	:: most == RECORDS && crashes > 0 -> goto again
	:: most == RECORDS && crashes == 0
	fi;
	goto done;
over:	if :: killed == POWER -> power_cut() :: else fi;
	all_stored();
	id = 0; count[0] = 0; count[1] = 0; stored[0] = 0; stored[1] = 0; offset[0] = 0; offset[1] = 0; live = 0; in[0] = 0; in[1] = 0; p = 0; at = 0; i = 0;
	goto again;
done:	skip
}
