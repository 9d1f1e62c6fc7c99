// What the engine and its callers share: plain data, no cell, no torch.
#pragma once
#include <cstdint>

#include "stream_api.hpp"

namespace elman {

enum class Op : int { add, subtract, multiply, divide, negative, sigmoid, tanh, relu, softsign, softplus, exp, log, sqrt,
                      absolute, sign, positive, maximum, minimum, count };

// registers[result] = op(left, right); operands below zero are constants, -1 - k the k-th. One operand: right is left.
struct Instruction {
    Op op;
    int result, left, right;
};

// What a register holds at the start, or where a result goes. `index` counts columns, states, vectors or saved quantities.
enum class Kind : int { column, state_old, state_new, vector, saved, gradient };

struct Slot {
    Kind kind;
    int index;
    int place;  // register, or constant below zero
};

// No instruction writes to the register of an input, so an input may lie wherever its numbers already are.
struct Program {
    const Instruction* code;
    int length;
    const double* constants;
    int constant_count;
    int registers;
    const Slot* inputs;
    int input_count;
    const Slot* outputs;
    int output_count;
};

// C [rows, panel] = start + A [rows, K] B of bfloat16 numbers; see pairs.hpp. `start_row` is 0 where all rows start from the same.
struct PairProduct {
    int64_t rows, K;
    const uint16_t* a;
    int64_t a_row;
    const uint16_t* b;
    const float* start;
    int64_t start_row;
    float* c;
    int64_t c_row;
};

// How such products are made, and what a thread does before the first and after the last of them, or null.
struct Pairs {
    void (*multiply)(const PairProduct&);
    void (*begin)();
    void (*end)();
};

// One layer. Letters: N rows (all steps below each other), T steps, B sequences, I inputs, H units, D directions.
// A column is one block of H pre-activations that the program reads: x-block and/or h-block of the weights, -1 for none.
struct Shape {
    int inputs, units, steps, batch, directions;
    int64_t rows;
    const int64_t* batch_sizes;  // [T], never growing
    const int64_t* starts;       // [T], first row of each step
    int columns, states, vectors;
    int saved;           // quantities of the program that are recorded for going back
    const int* history;  // per state: which recorded quantity its values are, or -1
    int recorded;        // saved quantities and states with a history
    const int *x_block, *h_block;
    int parts;    // into how many parts the sequences of a direction are dealt out
    int threads;  // that share the parts
    const Pairs* pairs;  // for bfloat16
};

// Weights of one direction as torch.nn has them; biases and vectors may be null.
struct Weights {
    const void *ih, *hh, *bias_ih, *bias_hh, *vectors;
};

struct Forward {
    Shape shape;
    Program program;
    const void* packed[2];       // of each direction, by `pack`
    const void* x;
    int64_t x_stride, y_stride;  // between rows
    const int64_t* tokens;       // [N] or null; with them x is a table, and x[tokens[n]] holds the products W x of row n: [D, x-blocks, H]
    const void* const* initial;  // per state [D, B, H]
    void* const* last;           // per state [D, B, H]
    void* y;                     // [N, y_stride], the first state; directions side by side
    void* records;               // `record_bytes`, or null where nothing is recorded
    void* scratch;
};

struct Gradients {
    void *ih, *hh, *bias_ih, *bias_hh, *vectors;  // null where nobody asked
};

struct Backward {
    Shape shape;
    Program program;
    Weights weights[2];
    const void* x;
    int64_t x_stride, y_stride, grad_stride, dx_stride;
    const int64_t* tokens;
    int64_t table_rows;             // of x, and of dx, where there are tokens
    const void* const* initial;
    const void* y;
    const void* records;
    const void* grad_y;             // [N, grad_stride] or null
    const void* const* grad_last;   // per state [D, B, H] or null
    void* dx;                       // [N, dx_stride] or null
    Gradients gradients[2];
    void* const* grad_initial;      // per state [D, B, H] or null
    void* scratch;
};

template <class Call> struct Pass {
    void (*run)(const Call&);
    int64_t (*scratch_bytes)(const Shape&, const Program&);
};

// Tells whether numbers changed. In each lane every change of a single number changes the result, as each step can be undone.
struct Fingerprint {
    alignas(64) uint32_t lanes[64] = {};
    bool operator==(const Fingerprint&) const = default;
};

struct Engine {  // for one type of numbers
    int number_bytes, panel;  // of one number; units side by side in what is recorded
    int64_t (*packed_bytes)(const Shape&);
    void (*pack)(const Shape&, const Weights&, void* packed);
    int64_t (*record_bytes)(const Shape&);
    Pass<Forward> forward;
    Pass<Backward> backward;
};

// The end of a language model: logits x Wᵀ + b of N rows, and their cross entropy.
struct HeadCall {
    int64_t rows, units, symbols;
    int threads;
    const void* x;
    int64_t x_stride;          // between rows
    const void *weight, *bias;  // [symbols, units]; [symbols] or null
    const int64_t* targets;    // [rows], -1 where a row does not count
    double* nats;              // their sum
    void* records;             // `record_bytes`: forward writes ∂/∂logits, backward reads them
    double scale;              // ∂L/∂nats
    void *dx, *dweight, *dbias;  // [rows, units], ...; null where nobody asked
    void* scratch;
};
struct HeadPasses {
    int number_bytes;
    void (*forward)(const HeadCall&);
    void (*backward)(const HeadCall&);
    int64_t (*scratch_bytes)(const HeadCall&);
    int64_t (*record_bytes)(const HeadCall&);
};

struct Kernels {
    const char* name;
    void (*fingerprint)(Fingerprint&, const void* data, int64_t bytes);
    Engine f32, f64, bf16;
    HeadPasses head_f32, head_f64;
    Streaming stream_f32, stream_f64, stream_bf16;  // the last in float32, with weights stored as bfloat16
    Pairs pairs;
    double (*peak_f32)(int threads, double seconds);   // operations a second that multiply-adds reach on registers alone
    double (*peak_bf16)(int threads, double seconds);  // of bfloat16 dot products; null in builds without them
};

}  // namespace elman
