// One call of a layer on torch's tensors, which are looked at here: the kernels behind it see addresses and sizes alone.
#pragma once
#include <nanobind/nanobind.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "api.hpp"
#include "memory.hpp"
#include "packed_weights.hpp"
#include "plan.hpp"
#include "torch_tensor.hpp"

namespace elman {

// What is recorded going forward for going back, in memory of its own or in somebody else's.
struct Records {
    Memory memory;
    void* data;
    int64_t bytes;
    explicit Records(int64_t size) : memory(size), data(memory.data()), bytes(size) {}
    Records(uintptr_t given, int64_t size) : data(reinterpret_cast<void*>(given)), bytes(size) {}
};

class LayerCall {
    using handle = nanobind::handle;
    using object = nanobind::object;
    using list = nanobind::list;
    using Axes = std::vector<int64_t>;

  public:
    LayerCall(const Plan& plan, const std::string& isa, const std::string& numbers, int inputs, int units, int directions, std::vector<int64_t> batch_sizes, int threads)
        : plan_(plan), kernels_(kernels_named(isa)), engine_(numbers == "bf16" ? kernels_.bf16 : numbers == "float64" ? kernels_.f64 : kernels_.f32), sizes_(std::move(batch_sizes)) {
        int64_t rows = 0;
        for (int64_t size : sizes_) {
            if (size < 1 || size > INT32_MAX || (rows && size > sizes_[starts_.size() - 1])) throw std::invalid_argument("batch sizes must be above 0 and never grow");
            starts_.push_back(rows);
            rows += size;
        }
        if (sizes_.empty() || inputs < 1 || units < 1 || threads < 1 || directions < 1 || directions > 2) throw std::invalid_argument("an empty layer");
        const double products = double(rows) * units * (inputs + units) * double(plan.x_block.size()) * directions;
        if (products < 2e5) threads = 1;  // less than waking a thread costs
        int recorded = plan.saved;
        for (int k : plan.history) recorded += k >= 0;
        const int batch = int(sizes_[0]), parts = parts_for(threads / directions, batch, (units + engine_.panel - 1) / engine_.panel);
        shape_ = {inputs, units, int(sizes_.size()), batch, directions, rows, sizes_.data(), starts_.data(), int(plan.x_block.size()), int(plan.history.size()),
                  plan.vectors, plan.saved, plan.history.data(), recorded, plan.x_block.data(), plan.h_block.data(), parts, threads, &pairs_for(kernels_)};
        for (size_t c = 0; c < plan.x_block.size(); ++c) x_blocks_ += plan.x_block[c] >= 0, h_blocks_ += plan.h_block[c] >= 0;
    }

    // Whether the tensors are of the shapes, types and layouts that this call needs.
    bool fits(handle rows, handle tokens, list states, list weights) const {
        Given in;
        return look(in, rows, tokens, states, weights);
    }

    // Outputs [N, D H], a list of the last states [D, B, H], and what going back needs if `recording`: it lies at `records_at` if that is not
    // 0. `keep`: the same weights may come again. With `tokens` rows are a table.
    object forward(PackedWeights& packed_weights, bool keep, bool recording, handle rows, handle tokens, list states, list weights, uintptr_t records_at) const {
        const Given in = known(rows, tokens, states, weights);
        const Axes y_axes = outputs(in), state_axes = state();
        const object y = blank(rows, y_axes);
        list last;
        std::vector<void*> lasts;
        for (int k = 0; k < shape_.states; ++k) {
            last.append(blank(rows, state_axes));
            lasts.push_back(address(item(last, k), state_axes));
        }
        void* y_data = address(y, y_axes);
        const Shape shape = shape_here();
        std::unique_ptr<Records> records;
        {
            const nanobind::gil_scoped_release unlocked;
            Memory zeros;
            const auto initial = initial_states(in, zeros);
            const auto packed = packed_weights.get(kernels_, engine_, shape, in.weights.data(), keep);
            if (recording) records = records_at ? std::make_unique<Records>(records_at, record_bytes()) : std::make_unique<Records>(record_bytes());
            Forward f{shape, plan_.forward.view(), {packed->data(), static_cast<char*>(packed->data()) + PackedWeights::bytes(engine_, shape_)}, in.x, in.x_stride, outputs(),
                      in.tokens, initial.data(), lasts.data(), y_data, records ? records->data : nullptr, nullptr};
            const Memory scratch(engine_.forward.scratch_bytes(shape_, f.program));
            f.scratch = scratch.data();
            engine_.forward.run(f);
        }
        return nanobind::make_tuple(y, last, std::move(records));
    }

    // A list of the gradients of rows, states and weights, in which those that are not `wanted` are None, from the gradients of the outputs and
    // of the last states, which may be None.
    object backward(const Records& records, handle rows, handle tokens, list states, list weights, handle y, handle grad_y, list grad_last, nanobind::tuple wanted) const {
        if (records.bytes != record_bytes()) throw std::invalid_argument("the records of another call");
        const Given in = known(rows, tokens, states, weights);
        const Axes y_axes = outputs(in), state_axes = state();
        const void *y_data = address(y, y_axes), *grad_data = address(grad_y, y_axes);
        bool fit = y_data && (grad_data || grad_y.is_none()) && wanted.size() == 1 + states.size() + weights.size() && grad_last.size() == size_t(shape_.states);
        std::vector<void*> lasts, firsts;
        for (handle grad : grad_last) {
            lasts.push_back(address(grad, state_axes));
            fit = fit && (lasts.back() || grad.is_none());
        }
        if (!fit) throw std::invalid_argument("gradients, or what was computed going forward, have another shape than the call");
        list found;
        auto add = [&](handle of, const Axes& axes) -> void* {  // a place for one more gradient
            const bool asked = PyTuple_GET_ITEM(wanted.ptr(), Py_ssize_t(found.size())) == Py_True && !of.is_none();
            found.append(asked ? blank(of, axes) : nanobind::none());
            return asked ? address(item(found, found.size() - 1), axes) : nullptr;
        };
        void* dx = add(rows, in.x_axes);
        for (handle state : states) firsts.push_back(add(state, state_axes));
        firsts.resize(size_t(shape_.states));  // none for zeros that nobody gave
        std::array<Gradients, 2> of_weights{};
        for (int d = 0; d < shape_.directions; ++d) {
            void* place[5];
            for (int k = 0; k < 5; ++k) place[k] = add(item(weights, 5 * d + k), weight(k));
            of_weights[d] = {place[0], place[1], place[2], place[3], place[4]};
        }
        const Shape shape = shape_here();
        {
            const nanobind::gil_scoped_release unlocked;
            Memory zeros;
            const auto initial = initial_states(in, zeros);
            Backward b{shape, plan_.backward.view(), {in.weights[0], in.weights[1]}, in.x, in.x_stride, outputs(), outputs(), in.x_width,
                       in.tokens, in.x_rows, initial.data(), y_data, records.data, grad_data,
                       lasts.data(), dx, {of_weights[0], of_weights[1]}, firsts.data(), nullptr};
            const Memory scratch(engine_.backward.scratch_bytes(shape_, b.program));
            b.scratch = scratch.data();
            engine_.backward.run(b);
        }
        return found;
    }

    int64_t record_bytes() const { return engine_.record_bytes(shape_); }
    int panel() const { return engine_.panel; }

  private:
    // Into how many parts a direction's sequences are dealt out. A thread wants two rows at least for each number that it reads of the weights;
    // with fewer, threads share the units of a part instead, as far as there are panels of them.
    static int parts_for(int threads, int batch, int unit_panels) {
        const int enough = std::clamp(batch / 2, 1, std::max(threads, 1));
        const int crew = std::min(threads / enough, unit_panels);
        return crew < 2 ? std::clamp(threads, 1, batch) : std::min(threads / crew, batch);
    }
    struct Given {
        const void* x;
        int64_t x_rows, x_width, x_stride;
        Axes x_axes;
        const int64_t* tokens;
        std::vector<const void*> states;
        std::array<Weights, 2> weights;

        // Rows [N, I], or [T, B, I] with the same distance from each row to the next.
        bool x_is(const TensorView& view) {
            const int last = view.ndim - 1;
            if ((last != 1 && last != 2) || !view.strides || (view.shape[last] > 1 && view.strides[last] != 1)) return false;
            const bool steps = last == 2, one = steps && view.shape[1] == 1;
            if (steps && !one && view.shape[0] > 1 && view.strides[0] != view.shape[1] * view.strides[1]) return false;
            x_axes.assign(view.shape, view.shape + view.ndim);
            x = view.address(), x_rows = steps ? view.shape[0] * view.shape[1] : view.shape[0];
            x_width = view.shape[last], x_stride = view.strides[steps && !one ? 1 : 0];
            return true;
        }
    };
    static handle item(const list& some, size_t k) { return PyList_GET_ITEM(some.ptr(), Py_ssize_t(k)); }
    int64_t outputs() const { return int64_t(shape_.directions) * shape_.units; }
    Axes outputs(const Given& in) const { return in.x_axes.size() == 3 ? Axes{in.x_axes[0], in.x_axes[1], outputs()} : Axes{shape_.rows, outputs()}; }
    Axes state() const { return {shape_.directions, shape_.batch, shape_.units}; }
    Axes weight(int k) const {  // ih, hh, bias_ih, bias_hh, vectors
        const int64_t blocks = k == 4 ? plan_.vectors : k % 2 ? h_blocks_ : x_blocks_, columns = k == 0 ? shape_.inputs : shape_.units;
        return k < 2 ? Axes{blocks * shape_.units, columns} : Axes{blocks * shape_.units};
    }
    object blank(handle like, const Axes& axes) const {
        static PyObject* const new_empty = PyUnicode_InternFromString("new_empty");
        return made(like, new_empty, axes);
    }
    void* address(handle tensor, const Axes& axes) const { return tensors.data(tensor, 2, uint8_t(8 * engine_.number_bytes), axes.data(), int32_t(axes.size())); }

    // False if something is not of the shape, the type and the layout that it should be.
    bool look(Given& in, handle rows, handle tokens, const list& states, const list& weights) const {
        TensorView view;
        if (!tensors.look(rows, 2, uint8_t(8 * engine_.number_bytes), view) || !in.x_is(view)) return false;
        if (in.x_width != (tokens.is_none() ? shape_.inputs : int64_t(shape_.directions) * x_blocks_ * shape_.units) || !in.x) return false;
        in.tokens = nullptr;
        if (in.x_axes.size() == 3 && (!tokens.is_none() || in.x_axes[0] != shape_.steps || in.x_axes[1] != shape_.batch)) return false;
        if (tokens.is_none() && in.x_rows != shape_.rows) return false;
        if (!tokens.is_none()) {
            in.tokens = static_cast<const int64_t*>(tensors.data(tokens, 0, 64, &shape_.rows, 1));
            if (!in.tokens) return false;
        }
        if ((states.size() && states.size() != size_t(shape_.states)) || weights.size() != size_t(5 * shape_.directions)) return false;
        const Axes state_axes = state();
        for (handle one : states) {
            in.states.push_back(address(one, state_axes));
            if (!in.states.back()) return false;
        }
        for (int d = 0; d < shape_.directions; ++d) {
            const void* found[5];
            for (int k = 0; k < 5; ++k) {
                const handle one = item(weights, 5 * d + k);
                const bool used = weight(k)[0] > 0 && (tokens.is_none() || (k != 0 && k != 2)), bias = k == 2 || k == 3;
                found[k] = one.is_none() ? nullptr : address(one, weight(k));
                if (one.is_none() ? used && !bias : !used || !found[k]) return false;
            }
            in.weights[d] = {found[0], found[1], found[2], found[3], found[4]};
        }
        return true;
    }
    Given known(handle rows, handle tokens, const list& states, const list& weights) const {
        Given in;
        if (!look(in, rows, tokens, states, weights)) throw std::invalid_argument("a tensor has another shape, type or layout than the call");
        for (int64_t row = 0; in.tokens && row < shape_.rows; ++row)  // each time: they may have been written to
            if (in.tokens[row] < 0 || in.tokens[row] >= in.x_rows) throw nanobind::index_error("a token is outside the table");
        return in;
    }
    std::vector<const void*> initial_states(const Given& in, Memory& zeros) const {
        if (!in.states.empty()) return in.states;
        const int64_t bytes = int64_t(engine_.number_bytes) * shape_.directions * shape_.batch * shape_.units;
        zeros = Memory(bytes);
        std::memset(zeros.data(), 0, size_t(bytes));
        return std::vector<const void*>(size_t(shape_.states), zeros.data());
    }
    Shape shape_here() const {  // a call may be made before a fork, and run or go back after it; its parts stay, as records lie by them
        Shape shape = shape_;
        if (forked) shape.threads = 1;
        return shape;
    }
    const Plan& plan_;
    const Kernels& kernels_;
    const Engine& engine_;
    std::vector<int64_t> sizes_, starts_;
    int64_t x_blocks_ = 0, h_blocks_ = 0;
    Shape shape_;
};

}  // namespace elman
