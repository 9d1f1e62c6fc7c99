// A stand-in for GCC's OpenMP library, of ordinary threads: ThreadSanitizer understands these, and not that library.
// Objects compiled with -fopenmp are linked with this file instead.
#include <barrier>
#include <chrono>
#include <thread>
#include <vector>

namespace {
struct Member {
    int number = 0, count = 1;
    std::barrier<>* barrier = nullptr;
};
thread_local Member me;
}  // namespace

extern "C" {
void GOMP_parallel(void (*work)(void*), void* data, unsigned count, unsigned) {
    std::barrier<> barrier(count);
    auto run = [&](unsigned number) {
        const Member before = me;
        me = {int(number), int(count), &barrier};
        work(data);
        barrier.arrive_and_wait();  // as a parallel region ends
        me = before;
    };
    std::vector<std::thread> others;
    for (unsigned number = 1; number < count; ++number) others.emplace_back(run, number);
    run(0);
    for (std::thread& other : others) other.join();
}
void GOMP_barrier() {
    if (me.barrier) me.barrier->arrive_and_wait();
}
int omp_get_thread_num() { return me.number; }
int omp_get_num_threads() { return me.count; }
double omp_get_wtime() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }
}
