// The product of bfloat16 pairs on processors with matrix tiles: 16 rows of 32 numbers times 32 x 16, sums in float32.
#include <immintrin.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "api.hpp"

namespace elman {

bool request_matrix_tiles();
extern const Pairs pairs_in_tiles;

bool request_matrix_tiles() { return syscall(SYS_arch_prctl, 0x1023 /* ARCH_REQ_XCOMP_PERM */, 18 /* the tiles' numbers */) == 0; }

// In memory for good: of a variable on the stack, compilers leave out what they think that nobody reads.
alignas(64) static const struct {
    uint8_t palette, start, reserved[14];
    uint16_t line_bytes[16];
    uint8_t lines[16];
} shapes = {1, 0, {}, {64, 64, 64, 64, 64, 64, 64, 64}, {16, 16, 16, 16, 16, 16, 16, 16}};

// Two tiles of rows by two of columns, so that each tile that is fetched is used twice. Tiles 0..3: C; 4, 5: A; 6, 7: B.
template <bool Two>
static void block(const PairProduct& p, int64_t r, int64_t column) {
    constexpr int64_t panel = 64;
    const int64_t from_line = p.start_row * 4, c_line = p.c_row * 4;
    const float* from = p.start + r * p.start_row + column;
    float* c = p.c + r * p.c_row + column;
    _tile_loadd(0, from, from_line);
    _tile_loadd(1, from + 16, from_line);
    if (Two) {
        _tile_loadd(2, from + 16 * p.start_row, from_line);
        _tile_loadd(3, from + 16 * p.start_row + 16, from_line);
    }
    const uint16_t *a = p.a + r * p.a_row, *b = p.b + 2 * column;
    for (int64_t k = 0; k < p.K; k += 32, a += 32, b += 32 * panel) {
        _tile_loadd(6, b, panel * 4);
        _tile_loadd(7, b + 32, panel * 4);
        _tile_loadd(4, a, p.a_row * 2);
        _tile_dpbf16ps(0, 4, 6);
        _tile_dpbf16ps(1, 4, 7);
        if (!Two) continue;
        _tile_loadd(5, a + 16 * p.a_row, p.a_row * 2);
        _tile_dpbf16ps(2, 5, 6);
        _tile_dpbf16ps(3, 5, 7);
    }
    _tile_stored(0, c, c_line);
    _tile_stored(1, c + 16, c_line);
    if (Two) {
        _tile_stored(2, c + 16 * p.c_row, c_line);
        _tile_stored(3, c + 16 * p.c_row + 16, c_line);
    }
}

static void multiply_in_tiles(const PairProduct& p) {
    for (int64_t r = 0; r < p.rows; r += 32)
        for (int64_t column = 0; column < 64; column += 32)
            p.rows - r > 16 ? block<true>(p, r, column) : block<false>(p, r, column);
}

// Once for all products of a call: setting tiles up and giving them back takes as long as a small product, and more in a virtual machine.
static void set_up() { _tile_loadconfig(&shapes); }
static void give_back() { _tile_release(); }

const Pairs pairs_in_tiles = {multiply_in_tiles, set_up, give_back};

}  // namespace elman
