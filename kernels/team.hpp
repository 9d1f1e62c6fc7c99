// Who works on what: a team of threads for a call. A part of the sequences is the work of one of them, or, where there are more threads than
// parts, of a crew, in which each has some of the panels of units, and which meets once a step.
#pragma once

// Numbers too small for a normal number are taken as zero: vanishing gradients would run many times slower on them.
struct FlushSmall {
#ifdef __SSE2__
    unsigned before = __builtin_ia32_stmxcsr();
    FlushSmall() { __builtin_ia32_ldmxcsr(before | 0x8040); }
    ~FlushSmall() { __builtin_ia32_ldmxcsr(before); }
#else
    FlushSmall() {}
#endif
};
// f(member, members) by each thread of a team. One member alone is not a team, so nobody waits for threads that are not needed.
template <class F>
static void in_team(int threads, F f) {
    if (threads == 1) {
        FlushSmall small;
        return f(0, 1);
    }
#pragma omp parallel num_threads(threads)
    {
        FlushSmall small;
        f(omp_get_thread_num(), omp_get_num_threads());
    }
}
static void wait_for_team(int members) {
    if (members == 1) return;
#pragma omp barrier
}

// Where the members of a crew wait for each other: in a line of cache of its own.
struct alignas(64) Meeting {
    int arrived, turn;
};

// One member's place in its crew.
struct Crew {
    int place = 0, size = 1;
    Meeting* meeting = nullptr;

    // Threads for each part: none of them without a panel.
    static int size_for(int members, int items, int64_t unit_panels) {
        const int64_t each = members / items < unit_panels ? members / items : unit_panels;
        return each < 1 ? 1 : int(each);
    }
    // Spinning, as a step is shorter than falling asleep. Who waits for long waits for a thread that has lost its core to somebody else, and
    // sleeps: that one gets a core back the sooner, and the sleeper has its own again at once, which it would not after giving it up by yielding.
    void meet() const {
        if (size == 1) return;
        const int turn = __atomic_load_n(&meeting->turn, __ATOMIC_ACQUIRE);
        if (__atomic_add_fetch(&meeting->arrived, 1, __ATOMIC_ACQ_REL) == size) {
            __atomic_store_n(&meeting->arrived, 0, __ATOMIC_RELAXED);
            __atomic_store_n(&meeting->turn, turn + 1, __ATOMIC_RELEASE);
            return;
        }
        for (int spins = 0; __atomic_load_n(&meeting->turn, __ATOMIC_ACQUIRE) == turn;) {
            if (spins < 1000) ++spins, relax();
            else nap();
        }
    }
    static void nap() {
        const timespec little{0, 20000};
        nanosleep(&little, nullptr);
    }
    static void relax() {
#ifdef __SSE2__
        __builtin_ia32_pause();
#endif
    }
};

// The crews of a call: as many members as a team turned out to have are dealt out to its parts.
struct Crews {
    int items, size;
    Meeting* meetings;

    // f(item, crew) for every part that this member works on.
    template <class F> void each(int member, int members, F f) const {
        const int here = Crew::size_for(members, items, size);
        for (int item = member / here; item < items; item += members / here) f(item, Crew{member % here, here, meetings + item});
    }
    Crews(const Shape& s, int64_t unit_panels, Arena& arena) : items(s.directions * s.parts), size(Crew::size_for(s.threads, items, unit_panels)) {
        meetings = arena.take<Meeting>(items);
        for (int item = 0; arena.base && item < items; ++item) meetings[item] = {0, 0};
    }
};
