# %% [markdown]
# # 02 · Convolutions
# Below, a small window slides over a screen of Breakout; what it reports appears beside it, blue or red. **Guess while it moves**: what is
# this window looking for, and why does it not see the bricks at all?
#
# **You will be able to**
# - say why a network for pixels shares its weights, and write a convolution with nothing but NumPy;
# - build filters by hand, then let a gradient find a better one;
# - compute sizes, receptive fields and parameters of a network before it exists;
# - write the network of DQN in PyTorch or Keras, carry an agent's weights from one to the other, and look inside while it plays.
#
# **Minutes**: about 115, in two sittings if you like (the second begins at *Count before you build*). **You need**: lessons 00 and 01, NumPy, and
# a first acquaintance with PyTorch or Keras.

# %%
import course_lib
import numpy as np
import torch

with course_lib.quiet():
    import keras
    from keras import layers
from numpy.lib.stride_tricks import sliding_window_view
from torch import nn
from torch.nn import functional as F

from course_lib import checks, pretrained
from course_lib.atari import Breakout
from course_lib.config import BOOK
from course_lib.figures import convolutions as draw
from course_lib.figures import use_course_style

use_course_style()
FRAMEWORK = course_lib.framework()

# %% [markdown]
# We need frames. A little player that cheats (it reads the ball's place in the emulator's memory) gathers 400 of them, and writes down where
# the ball was.

# %%
game = draw.play_by_rule(400, seed=0)
observation, screen, ball = game.observations[13], game.screens[13], game.balls[13]  # one of them, to look at
frame = observation[..., -1]  # uint8 [84, 84], the newest of four
print("observations:", game.observations.shape, game.observations.dtype)

# %% tags=["nbval-ignore-output"]
window = np.ones((8, 8)) / 32
window[:, :4] *= -1  # left half negative, right half positive
draw.scan(game.frames[180], window, stride=4)

# %% [markdown]
# The window subtracts what it sees in its left half from what it sees in its right half. Red: brighter on the right. Blue: brighter on the
# left. The walls, the paddle, the digits of the score have such edges. The bricks run from wall to wall, so their left half is as bright as
# their right one: for *this* window they do not exist.
#
# 64 numbers were enough, and the same 64 numbers everywhere. This lesson is about that trick.

# %% [markdown]
# ## 1 · A unit that sees everything
# A dense unit has one weight for every number that it is given; its answer is the sum of all numbers, each times its weight. It could be
# given the whole screen: 210 rows, 160 columns, 3 colours.
#
# **Predict**, or remember lesson 01. How many weights does *one* such unit have: about 400, 34,000, 100,000, or 1,000,000? And how much memory
# do 512 units take?

# %%
rows, columns, colours = screen.shape
weights_of_one = rows * columns * colours
print(f"one unit:  {weights_of_one:,} weights")
print(f"512 units: {512 * weights_of_one:,} weights, {512 * weights_of_one * 4 / 1e6:.0f} MB as float32")

# %% [markdown]
# 100,800 weights for one unit. Memory is the smaller half of the trouble. Here is the greater one: a dense unit that has learned to see the
# ball at one place knows nothing about any other place. Let a unit hold the perfect weights for a ball at row 60, column 40, and move the ball.

# %%
def empty_court_with_ball(row, column):
    court = np.zeros((84, 84))
    court[row : row + 2, column] = 1.0  # a ball is about two pixels high and one wide
    return court


dense_weights = empty_court_with_ball(60, 40) / 2
for shift in (0, 1, 2, 30):
    court = empty_court_with_ball(60, 40 + shift)
    print(f"ball {shift:2} pixels further right: the dense unit answers {(dense_weights * court).sum():.1f}")

# %% [markdown]
# One pixel, and the unit is blind. It would have to learn the ball anew for each of 7,056 places. Better: learn *one* small template, and try
# it at every place. Two numbers instead of 7,056:

# %%
template = np.array([[0.5], [0.5]])  # 2 rows, 1 column
for shift in (0, 1, 2, 30):
    court = empty_court_with_ball(60, 40 + shift)
    answers = sliding_window_view(court, (2, 1)) * template  # [83, 84, 2, 1]: the template on every window
    print(f"ball {shift:2} pixels further right: the best of all windows answers {answers.sum(axis=(2, 3)).max():.1f}")

# %% [markdown]
# That is a convolution: **few weights** (a template, called *kernel* or *filter*), **shared** by all places. Move the ball and the answer moves
# along with it; nothing has to be learned twice.

# %% [markdown]
# ## 2 · The formula
# An image of $H \times W$ pixels, a kernel of $h \times w$ weights, a stride $s$ (how far the window moves each time):
#
# $$\text{out}[i, j] = \sum_{u=0}^{h-1}\;\sum_{v=0}^{w-1} \text{image}[i\,s + u,\; j\,s + v] \cdot \text{kernel}[u, v]$$
#
# One number of it in code:

# %%
image = np.array([[0, 0, 0, 0], [0, 1, 2, 0], [0, 3, 4, 0], [0, 0, 0, 0]], float)
kernel = np.array([[1, 0], [0, -1]], float)
i, j, s = 1, 1, 1
window = image[i * s : i * s + 2, j * s : j * s + 2]
print("window times kernel:", (window * kernel).tolist())
print("their sum, out[1, 1]:", (window * kernel).sum())

# %% [markdown]
# A window must lie wholly inside the image ("valid"), so the output is smaller than the image:
#
# $$\text{rows} = \Big\lfloor \frac{H - h}{s} \Big\rfloor + 1 \qquad \text{columns} = \Big\lfloor \frac{W - w}{s} \Big\rfloor + 1$$
#
# **Predict**: 84 pixels, windows of 8, stride 4. Are there 19, 20 or 21 windows side by side? (The cell lists where they begin.)

# %%
starts = list(range(0, 84 - 8 + 1, 4))
print(starts)
print(len(starts), "windows, and (84 - 8) // 4 + 1 =", (84 - 8) // 4 + 1)

# %% [markdown]
# *A word on words.* In mathematics a convolution flips the kernel first; what we do is called cross-correlation there. All of deep learning
# says convolution and flips nothing: a kernel that is learned would only be learned flipped.

# %% [markdown] exercise="02.1" points=2
# ### Exercise 02.1 · A convolution by hand
# *Difficulty 2 of 5 · 2 points · about 12 minutes*
#
# Write `conv2d(image, kernel, stride=1)` with NumPy: the formula above, without padding, without flipping. The image may be `uint8`; the
# result is a float array of shape `[(H - h) // stride + 1, (W - w) // stride + 1]`. For the image and kernel above and `stride=2`:
# `[[-1, 0], [0, 4]]`.
#
# <details><summary>Hint 1</summary>Two loops, over the rows and the columns of the <i>output</i>; each turn cuts out one window.</details>
# <details><summary>Hint 2</summary>Output place <code>(i, j)</code> looks at the window that begins at row <code>i * stride</code>, column <code>j * stride</code>, and is as large as the kernel.</details>
# <details><summary>Hint 3</summary><code>out = np.zeros((rows, columns))</code> is float; inside the loops <code>out[i, j] = (image[i * stride : i * stride + h, ...] * kernel).sum()</code>.</details>

# %% exercise="02.1"
def conv2d(image, kernel, stride=1):
    """Slide a kernel over an image: no padding, no flipping.

    image: [H, W], any number type; kernel: float [h, w]; stride: pixels from one window to the next, on both axes.
    Returns float [(H - h) // stride + 1, (W - w) // stride + 1].
    """
    # SOLUTION BEGIN
    (height, width), (h, w) = image.shape, kernel.shape
    out = np.zeros(((height - h) // stride + 1, (width - w) // stride + 1))
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            top, left = i * stride, j * stride
            out[i, j] = (image[top : top + h, left : left + w] * kernel).sum()
    return out
    # SOLUTION END


# %% check="02.1"
conv2d = checks.convolutions.conv2d(conv2d)

# %% [markdown]
# ## 3 · Three filters by hand
# **Blur.** Nine weights of 1/9: each pixel becomes the mean of its neighbourhood. Noise, which is bright here and dark there, averages out.
# Blurring $n$ pixels into one divides the spread of the noise (its standard deviation) by $\sqrt n$.
#
# **Predict.** We add noise with a spread of 45 grey levels to a frame, and blur it 3 × 3. What spread is left: 45, 22, 15 or 5?

# %%
rng = np.random.default_rng(0)
noise = rng.normal(0, 45, (84, 84))
noisy = np.clip(frame + noise, 0, 255).astype(np.uint8)
print(f"noise before: {noise.std():.0f}, after a mean of nine: {sliding_window_view(noise, (3, 3)).mean(axis=(2, 3)).std():.0f}")

# %% [markdown]
# A third of it, since $\sqrt 9 = 3$. Nothing comes for free: look at the ball. The figure shows the frame, the noisy frame, and two blurs of it. The wide
# blur has hardly any noise left, and no ball. Move the slider to find the best compromise.

# %%
blurs = {f"blurred {n} × {n}": sliding_window_view(noisy, (n, n)).mean(axis=(2, 3)).astype(np.uint8) for n in (3, 9)}
draw.draw_row({"frame": frame, "with noise": noisy, **blurs})

# %% tags=["nbval-ignore-output"]
draw.noise_slider(frame, noisy)

# %% [markdown]
# **Edges.** Where does a row of pixels change? Subtract neighbours. The weights `[-1, 0, 1]` add up to 0, so a flat stretch, dark or bright,
# gives 0; dark to bright gives plus; bright to dark gives minus.

# %%
row = np.array([[0, 0, 0, 9, 9, 9, 0, 0]], float)
print("pixels:     ", row[0].astype(int))
print("differences:", conv2d(row, np.array([[-1.0, 0.0, 1.0]]))[0].astype(int))

# %% [markdown]
# **A ball finder.** A ball is a bright speck with darkness around it. So reward what is bright in the middle and *punish* what is bright on the
# rim. Rim weights must outweigh the middle, or a wall, which fills both, would win. In one row, with the middle at 1 and the rim at −2:

# %%
row = np.array([[0, 0, 0, 9, 0, 0, 0, 9, 9, 9, 9, 9]], float)  # a speck, then a wall
print("pixels:  ", row[0].astype(int))
print("response:", conv2d(row, np.array([[-2.0, 1.0, -2.0]]))[0].astype(int), "(begins at the second pixel)")

# %% [markdown] exercise="02.2" points=2
# ### Exercise 02.2 · Blur, vertical edge, ball finder
# *Difficulty 2 of 5 · 2 points · about 12 minutes*
#
# Write `hand_filters()`, which returns a dictionary of three float arrays:
#
# - `"blur"` [3, 3]: the mean of nine pixels; a flat grey of 100 stays 100;
# - `"vertical_edge"` [3, 3]: positive where dark turns bright *from left to right*, 0 on flat grey, 0 on horizontal edges;
# - `"ball_finder"` [5, 5]: over a court with walls, bricks and a paddle three pixels high, its largest response lies on the ball
#   (two pixels high, one wide).
#
# <details><summary>Hint 1</summary>Weights of a mean add up to 1, weights of a difference to 0, weights of the ball finder to less than 0.</details>
# <details><summary>Hint 2</summary>Three equal rows make an edge filter that does not mind what is above and below.</details>
# <details><summary>Hint 3</summary>For the ball finder: <code>np.full((5, 5), rim)</code>, then set the inner 3 × 3, <code>[1:4, 1:4]</code>, to 1. How negative must <code>rim</code> be for the paddle, which fills the inner nine and six pixels of the rim, to lose?</details>

# %% exercise="02.2"
def hand_filters():
    """Three filters made by hand.

    Returns {"blur": float [3, 3], "vertical_edge": float [3, 3], "ball_finder": float [5, 5]}.
    """
    # SOLUTION BEGIN
    ball_finder = np.full((5, 5), -3.0)
    ball_finder[1:4, 1:4] = 1.0
    return {
        "blur": np.full((3, 3), 1 / 9),
        "vertical_edge": np.array([[-1.0, 0.0, 1.0]] * 3),
        "ball_finder": ball_finder,
    }
    # SOLUTION END


# %% check="02.2"
hand_filters = checks.convolutions.hand_filters(hand_filters)

# %% [markdown]
# Your three filters over a real frame. Above the kernels, below their responses, blue below zero and red above (of the ball finder only what
# is above zero); the ring marks where the ball is. Which parts of the screen does each of them keep, and which does it throw away?

# %%
filters = hand_filters()
responses = {name: conv2d(frame, kernel) for name, kernel in filters.items()}
draw.draw_filters(filters, responses, ball)

# %% [markdown]
# The blur keeps large things. The edge filter keeps what stands upright: walls, digits, the ends of bricks, red for one side and blue for the
# other. The ball finder throws nearly everything away, except the ball and a speck among the digits.

# %% [markdown]
# ## 4 · Filters with depth
# An observation has four channels, the last four frames. A kernel has weights for each of them, `[h, w, channels]`, and the sum runs over them
# too:
#
# $$\text{out}[i, j] = \sum_{u, v, c} \text{image}[i\,s + u,\; j\,s + v,\; c] \cdot \text{kernel}[u, v, c]$$
#
# **Predict.** A 1 × 1 kernel has the weights 0, 0, −1, +1 for the four frames, the newest last. What is left of the screen?

# %%
newest_minus_previous = observation.astype(float) @ np.array([0, 0, -1, 1.0])  # [84, 84, 4] @ [4] -> [84, 84]
draw.draw_row({"the frame before": observation[..., 2], "newest frame": frame, "newest − before": newest_minus_previous})

# %% [markdown]
# Only what moves: the ball's new place in red, its old one in blue, and the paddle if it moved. Four numbers see motion, which no filter on a
# single frame can.
#
# A **layer** is many such kernels, each with one output *map* (its answers, laid out as the frame is), plus a *bias* for each kernel (a number
# that is added to all of its answers), and then a *ReLU*, $\max(0, x)$, which keeps what is positive. All of it:

# %%
def conv_layer(x, kernel, bias, stride):
    """One convolutional layer with ReLU: x [H, W, in], kernel [h, w, in, out], bias [out] -> [rows, columns, out]."""
    windows = sliding_window_view(x, kernel.shape[:2], axis=(0, 1))[::stride, ::stride]  # [rows, columns, in, h, w]
    sums = np.tensordot(windows, kernel, axes=([3, 4, 2], [0, 1, 2]))  # [rows, columns, out]
    return np.maximum(sums + bias, 0.0)


kernel = np.stack([filters["vertical_edge"], filters["vertical_edge"].T], axis=-1)[:, :, None]  # [3, 3, 1, 2]
maps = conv_layer(frame[..., None], kernel, bias=np.zeros(2), stride=2)
print("kernel", kernel.shape, "makes", frame[..., None].shape, "into", maps.shape)
print("the first map is yours with a ReLU:", np.allclose(maps[..., 0], np.maximum(conv2d(frame, filters["vertical_edge"], 2), 0)))

# %% [markdown]
# ## 5 · Let a gradient make the filter
# Your ball finder has one weakness: the digits of the score have specks, too. We could tinker on. Or we say what we *want*: a **loss**, a
# number that is the larger the farther we are from it. Its slope with respect to each weight is the **gradient**, and small steps downhill
# along it make the weights better. That is **end-to-end learning**: from pixels to the answer, with nothing made by hand in between.
#
# Give every place of a frame a score, the response of a 7 × 7 kernel. A *softmax* turns 6,084 scores $z$ into probabilities, all
# positive and with the sum 1:
#
# $$p_i = \frac{e^{z_i}}{\sum_j e^{z_j}} \qquad \text{loss} = -\log p_b = -z_b + \log \sum_j e^{z_j} \qquad \frac{\partial\,\text{loss}}{\partial z_i} = p_i - [i = b]$$
#
# where $b$ is the ball's place, and $[i = b]$ is 1 there and 0 elsewhere. The slope is $p$, minus 1 at the right place: push that score up, all
# others down by as much as they were believed. (Differentiate the middle formula, or take it on trust.)

# %%
def where_is_the_ball(frames, kernel):
    """A probability for every place: uint8 [B, 84, 84], float [49] -> ([B, 6084], the windows [B, 6084, 49])."""
    windows = sliding_window_view(frames, (7, 7), axis=(1, 2)).reshape(len(frames), -1, 49) / np.float32(255)
    scores = windows @ kernel  # the convolution, all places at once
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True), windows


# %% [markdown]
# 300 frames to learn from, 100 new ones to be tested on. The kernel starts as noise.
#
# **Predict.** Your ball finder, over whole frames, digits included: in how many of 100 new frames does its largest response lie on the
# ball? And the learned one: fewer, about as many, or more?

# %%
rng = np.random.default_rng(0)
places = draw.places_of(game.balls, size=7)  # which of the 6,084 windows holds the ball in its middle
learned = rng.normal(0, 0.1, 49).astype(np.float32)
first, losses = learned.copy(), []
for step in range(300):
    chosen = rng.integers(300, size=8)
    p, windows = where_is_the_ball(game.frames[chosen], learned)  # [8, 6084], [8, 6084, 49]
    right = np.arange(8), places[chosen]
    losses.append(-np.log(p[right]).mean())
    p[right] -= 1  # the slope with respect to the scores
    learned -= 3.0 * np.tensordot(p, windows, 2) / 8  # and with respect to the kernel: [49]

tests = game.frames[300:], game.balls[300:]
by_hand, by_gradient = draw.balls_found(filters["ball_finder"], *tests), draw.balls_found(learned.reshape(7, 7), *tests)
draw.draw_learning(first.reshape(7, 7), learned.reshape(7, 7), losses, by_hand, by_gradient, tests=100)
print("the learned filter finds more balls than the hand-made one:", by_gradient > by_hand)

# %% [markdown]
# From left to right: the kernel as noise; the falling loss; the kernel after 300 steps; who finds how many balls: the hand-made filter about a
# third, the learned one more than nine in ten. The gradient, too, came to a positive middle among negative weights, with fine differences
# that most digits fail. Nobody told it what a ball is, or a digit.
#
# DQN does the same on a larger scale: 32 first filters instead of one, and what it wants are points.

# %% [markdown]
# ## 6 · Stride instead of pooling
# Networks for photographs often **pool**: they keep the largest answer of each block, say 4 × 4, and forget where in the block it was. For "is
# there a cat?" that is a virtue. In Breakout, *where* is the question.
#
# A ball moves through columns 8 to 11 of a 16 × 16 court. **Predict**: for how many of these four places do the two maps differ?

# %%
def max_pool(image, size):
    """The largest of each size x size block: [H, W] -> [H // size, W // size]."""
    height, width = image.shape
    return image.reshape(height // size, size, width // size, size).max(axis=(1, 3))


slope = np.tile(np.arange(8.0), (8, 1))  # [8, 8]: the further right, the larger the weight
for column in (8, 9, 10, 11):
    court = np.zeros((16, 16))
    court[6:8, column] = 1
    pooled, strided = max_pool(court, 4)[1].astype(int), conv2d(court, slope, stride=4)[1].astype(int)
    print(f"ball in column {column:2}:  max-pooling {pooled},  convolution with stride 4 {strided}")

# %% [markdown]
# Pooling gives the same answer four times. The strided convolution also makes the map four times smaller, but its windows overlap (8 pixels
# wide, 4 apart) and its weights differ from column to column of the window, so the ball's exact column is still in the numbers.
#
# It is cheaper, too: answers that pooling would throw away are never computed.

# %%
at_every_place, at_every_fourth = 77 * 77 * (8 * 8 * 4) * 32, 20 * 20 * (8 * 8 * 4) * 32
print(f"multiplications in conv1: {at_every_place:,} with stride 1, {at_every_fourth:,} with stride 4")
print(f"stride 4 needs {at_every_place / at_every_fourth:.0f} times fewer")

# %% [markdown]
# ## 7 · Receptive fields
# A unit of the second layer sees windows of the first, and through them more of the screen. How much? Going up one layer with kernel $k$ and
# stride $s$, the field grows by $k - 1$ jumps of the layer below. A layer's *jump* is the distance, in pixels of the frame, between two of its
# neighbouring units (1 for the pixels themselves); a stride of $s$ makes it $s$ times as long:
#
# $$\text{field} \leftarrow \text{field} + (k - 1) \cdot \text{jump} \qquad \text{jump} \leftarrow \text{jump} \cdot s$$
#
# DQN's layers are 8 × 8 with stride 4, 4 × 4 with stride 2, 3 × 3 with stride 1. **Predict**: how wide is what a unit of the third layer
# sees, whose kernel is only 3 wide: 3, 9, 36 or 84 pixels?

# %%
def receptive_fields(conv):
    """(field, jump) in pixels of each layer; conv: (filters, kernel, stride) of each."""
    field, jump, fields = 1, 1, []
    for _, kernel, stride in conv:
        field = field + (kernel - 1) * jump
        jump = jump * stride
        fields.append((field, jump))
    return fields


fields = receptive_fields(BOOK.network.conv)
for i, (field, jump) in enumerate(fields, 1):
    print(f"conv{i}: a unit sees {field} x {field} pixels, its neighbour the same {jump} pixels further")

# %% [markdown]
# The yellow boxes are what one unit of each layer sees, on the screen: 8, 20, 36 of the frame's 84 pixels. A unit of conv1 can see a ball and the
# direction in which it moves. One of conv2 sees a ball with some bricks. One of conv3 can relate things: a ball *and* the paddle below it. Each
# layer makes its parts from those of the layer below; that is what **abstraction** means here.

# %%
draw.draw_receptive_fields(screen, fields, ball)

# %% [markdown]
# Drag the slider through the units on the diagonal of conv3. The last field ends at pixel 83: seven fields, eight pixels apart, cover the frame
# exactly (36 + 6 · 8 = 84). (The still picture above shows another field of conv3.)

# %% tags=["nbval-ignore-output"]
draw.receptive_field_slider(screen, *fields[-1], rows=7)

# %% [markdown]
# Is it true? Measure it. Unit (3, 3) of conv3 should see rows and columns 24 to 59. We fill everything *outside* with noise, then change one
# pixel *in the corner* of its field. (All weights positive, so that no ReLU hides a change.)

# %%
def conv_stack(observation, kernels, biases):
    """The maps of all convolutional layers: uint8 [84, 84, 4] -> [20, 20, 32], [9, 9, 64], [7, 7, 64]."""
    x, maps = observation / np.float32(255), []
    for kernel, bias, (_, _, stride) in zip(kernels, biases, BOOK.network.conv):
        x = conv_layer(x, kernel, bias, stride)
        maps.append(x)
    return maps


rng = np.random.default_rng(0)
kernels = [rng.uniform(0, 0.01, shape) for shape in ((8, 8, 4, 32), (4, 4, 32, 64), (3, 3, 64, 64))]
outside = rng.integers(0, 256, (84, 84, 4), dtype=np.uint8)
outside[24:60, 24:60] = observation[24:60, 24:60]
corner = observation.copy()
corner[24, 24] = 255
before, after_noise, after_corner = (conv_stack(o, kernels, (0, 0, 0))[-1][3, 3] for o in (observation, outside, corner))
print("noise everywhere outside changes the unit:", not np.allclose(before, after_noise))
print("one pixel in its corner changes the unit: ", not np.allclose(before, after_corner))

# %% [markdown]
# ## 8 · Count before you build
# A convolution has one kernel through *all* input channels for each filter, and one bias for each filter, however large the image is:
#
# $$\text{parameters} = (k \cdot k \cdot \text{channels in} + 1) \cdot \text{filters} \qquad\qquad \text{dense: } (\text{inputs} + 1) \cdot \text{units}$$
#
# Between the last convolution and the first dense layer, *flatten* lays all numbers of all maps into one row: `rows × columns × filters` inputs.

# %%
print("conv1:", (8 * 8 * 4 + 1) * 32, "parameters, for a frame of 84 x 84 as for one of 840 x 840")

# %% [markdown] exercise="02.3" points=3
# ### Exercise 02.3 · Sizes and parameters of the whole network
# *Difficulty 3 of 5 · 3 points · about 15 minutes*
#
# Write `layer_table(observation_shape, conv, dense, num_actions)`. It returns a list with one tuple `(name, output shape, parameters)` for each
# layer: a string, a tuple of ints, an int. The names are `conv1`, `conv2`, ..., `dense1`, ..., and last `q`, a dense layer with one output for
# each action.
#
# With `conv=((16, 8, 4),)`, which is (filters, kernel, stride), `dense=()` and 3 actions, observations of `(84, 84, 4)` give
# `[("conv1", (20, 20, 16), 4112), ("q", (3,), 19203)]`.
#
# <details><summary>Hint 1</summary>Walk through the layers and carry along what comes out: first height, width and channels, after the flatten a single number.</details>
# <details><summary>Hint 2</summary>The sizes are those of 02.1: <code>(height - kernel) // stride + 1</code>. The channels that come out of a layer are its filters.</details>
# <details><summary>Hint 3</summary>After the convolutions <code>inputs = height * width * channels</code>; then one loop serves <code>(*dense, num_actions)</code>, with <code>(inputs + 1) * units</code> parameters and <code>inputs = units</code> at its end.</details>

# %% exercise="02.3"
def layer_table(observation_shape, conv, dense, num_actions):
    """What comes out of every layer, and how many parameters it has.

    observation_shape: (height, width, channels); conv: (filters, kernel, stride) of each convolution; dense: units of each hidden layer.
    Returns [(name, output shape, parameters), ...]: conv1, ..., dense1, ..., q.
    """
    # SOLUTION BEGIN
    height, width, channels = observation_shape
    table = []
    for i, (filters, kernel, stride) in enumerate(conv, 1):
        parameters = (kernel * kernel * channels + 1) * filters
        height, width, channels = (height - kernel) // stride + 1, (width - kernel) // stride + 1, filters
        table.append((f"conv{i}", (height, width, channels), parameters))
    inputs = height * width * channels
    for i, units in enumerate((*dense, num_actions), 1):
        name = f"dense{i}" if i <= len(dense) else "q"
        table.append((name, (units,), (inputs + 1) * units))
        inputs = units
    return table
    # SOLUTION END


# %% check="02.3"
layer_table = checks.convolutions.layer_table(layer_table)

# %% [markdown]
# Now the network of DQN (the agent that you watched in lesson 00), as in the paper of 2015: three convolutions, a dense layer of 512, one output
# for each action. The settings come from `BOOK`, in which `course_lib` keeps the book's.
#
# **Predict**: which layer holds most of the parameters?

# %%
print(BOOK.network)
table = layer_table((84, 84, 4), BOOK.network.conv, BOOK.network.dense, num_actions=3)
for name, shape, parameters in table:
    print(f"{name:7}{str(shape):14}{parameters:>10,}")
print(f"{'total':21}{sum(parameters for *_, parameters in table):>10,}")

# %% [markdown]
# The drawing shows the maps at their sizes, 84, 20, 9 and 7 pixels wide (of each layer eight at most are drawn), then the dense layers, each a
# bar. The chart below it shows where the parameters are: 95 % of them in the first dense layer, the one that may look at everything at once.

# %%
draw.draw_network(table, observation)
draw.draw_parameters(table)

# %% [markdown]
# The network has relatives, which you will meet in lessons 06 and 07. What they share are convolutions; what differs is what they ask of them:
#
# | agent | shared | on top of it |
# |---|---|---|
# | A3C (2016) | conv 16 of 8 × 8 stride 4, conv 32 of 4 × 4 stride 2, dense 256 | two heads: a softmax over the actions (the policy) and one linear value |
# | Bootstrapped DQN (2016) | the three convolutions of DQN | $K$ heads, each a dense layer of 512 and one linear output for each action |

# %% [markdown]
# ## 9 · The network in PyTorch and in Keras
# What both versions must agree on:
#
# | | |
# |---|---|
# | in | `uint8 [B, 84, 84, 4]`, channels last, as observations are stored |
# | first | turn 0..255 into 0..1, once, *inside* the network |
# | conv1, conv2, conv3 | 32 of 8 × 8 stride 4, 64 of 4 × 4 stride 2, 64 of 3 × 3 stride 1; no padding; ReLU after each |
# | dense1 | flatten, 512 units, ReLU |
# | q | one output for each action, **linear**: a value may be negative |
#
# PyTorch's convolutions read `[B, channels, height, width]`, Keras' read `[B, height, width, channels]`. To move an axis is not to reshape:

# %%
tiny = torch.tensor([[[[1, 10], [2, 20]], [[3, 30], [4, 40]]]])  # [1, 2, 2, 2]: the second channel is ten times the first
print("permute:", tiny.permute(0, 3, 1, 2)[0, 0].tolist(), "is the first channel")
print("reshape:", tiny.reshape(1, 2, 2, 2)[0, 0].tolist(), "is a jumble of both")

# %% [markdown] exercise="02.4" points=3
# ### Exercise 02.4 · The network of DQN
# *Difficulty 3 of 5 · 3 points · about 15 minutes for one framework; the other is a bonus*
#
# **PyTorch**: finish the class `TorchQNetwork(num_actions)`; `network(observations)` turns a `uint8` tensor `[B, 84, 84, 4]` into Q-values
# `float32 [B, num_actions]`. Create the layers in the order in which they are used.
#
# **Keras**: write `make_keras_network(num_actions)`, which returns a `keras.Model` that does the same.
#
# <details><summary>Hint 1</summary>PyTorch: <code>nn.Conv2d(channels_in, filters, kernel, stride)</code>, <code>nn.Linear(inputs, units)</code>. Keras: <code>layers.Conv2D(filters, kernel, stride, activation="relu")</code>, <code>layers.Dense(units)</code>. Your table knows the numbers.</details>
# <details><summary>Hint 2</summary>PyTorch: begin <code>forward</code> with <code>x = observations.permute(0, 3, 1, 2) / 255</code>; flatten with <code>x.flatten(1)</code>. Keras: a <code>keras.Sequential</code> whose first two entries are <code>keras.Input((84, 84, 4), dtype="uint8")</code> and <code>layers.Rescaling(1 / 255)</code>.</details>
# <details><summary>Hint 3</summary>PyTorch: <code>x = F.relu(self.conv1(x))</code> three times, then <code>F.relu(self.dense1(x.flatten(1)))</code> with <code>nn.Linear(3136, 512)</code>, and <code>return self.q(x)</code>. Keras: three <code>Conv2D</code>, <code>Flatten</code>, <code>Dense(512, activation="relu")</code>, <code>Dense(num_actions)</code>.</details>

# %% exercise="02.4" framework="torch"
class TorchQNetwork(nn.Module):
    """Pixels in, one value for each action out: uint8 [B, 84, 84, 4] -> float32 [B, num_actions]."""

    def __init__(self, num_actions):
        super().__init__()
        # SOLUTION BEGIN
        self.conv1 = nn.Conv2d(4, 32, 8, 4)
        self.conv2 = nn.Conv2d(32, 64, 4, 2)
        self.conv3 = nn.Conv2d(64, 64, 3, 1)
        self.dense1 = nn.Linear(7 * 7 * 64, 512)
        self.q = nn.Linear(512, num_actions)
        # SOLUTION END

    def forward(self, observations):
        # SOLUTION BEGIN
        x = observations.permute(0, 3, 1, 2) / 255  # [B, 4, 84, 84], 0..1
        x = F.relu(self.conv1(x))  # [B, 32, 20, 20]
        x = F.relu(self.conv2(x))  # [B, 64, 9, 9]
        x = F.relu(self.conv3(x))  # [B, 64, 7, 7]
        x = F.relu(self.dense1(x.flatten(1)))  # [B, 512]
        return self.q(x)  # [B, num_actions]
        # SOLUTION END


# %% check="02.4" framework="torch"
TorchQNetwork = checks.convolutions.q_network(TorchQNetwork)

# %% exercise="02.4" framework="keras"
def make_keras_network(num_actions):
    """A keras.Model: uint8 [B, 84, 84, 4] -> float32 [B, num_actions]."""
    # SOLUTION BEGIN
    return keras.Sequential(
        [
            keras.Input((84, 84, 4), dtype="uint8"),
            layers.Rescaling(1 / 255),  # [B, 84, 84, 4], 0..1
            layers.Conv2D(32, 8, 4, activation="relu"),  # [B, 20, 20, 32]
            layers.Conv2D(64, 4, 2, activation="relu"),  # [B, 9, 9, 64]
            layers.Conv2D(64, 3, 1, activation="relu"),  # [B, 7, 7, 64]
            layers.Flatten(),  # [B, 3136]
            layers.Dense(512, activation="relu"),
            layers.Dense(num_actions),
        ]
    )
    # SOLUTION END


# %% check="02.4" framework="keras"
make_keras_network = checks.convolutions.q_network_keras(make_keras_network)

# %% [markdown]
# Whichever you wrote, both exist now (yours, or ours), and both have the number of parameters that you computed:

# %%
torch_network, keras_network = TorchQNetwork(3), make_keras_network(3)
print(f"PyTorch: {sum(parameter.numel() for parameter in torch_network.parameters()):,}")
print(f"Keras:   {keras_network.count_params():,}")

# %% [markdown]
# ## 10 · Carry an agent across
# The trained agents of this course are stored once, in Keras' layout, and play in both frameworks. So weights must travel. Both store the
# same numbers, laid out differently:
#
# | | Keras | PyTorch |
# |---|---|---|
# | convolution | `[h, w, in, out]` | `[out, in, h, w]` |
# | dense | `[in, out]` | `[out, in]` |
#
# That seems easy: transpose everything. **Predict**: every shape fits, nothing complains. Do the two networks answer the same?

# %%
NAMES = [f"{layer}/{part}" for layer in ("conv1", "conv2", "conv3", "dense1", "q") for part in ("kernel", "bias")]


def load(network, arrays):
    """Put arrays into a PyTorch network, in the order of its parameters; their shapes must fit."""
    for parameter, array in zip(network.parameters(), arrays, strict=True):
        assert parameter.shape == array.shape, (parameter.shape, array.shape)
        parameter.data = torch.tensor(np.ascontiguousarray(array))


keras_weights = dict(zip(NAMES, keras_network.get_weights()))
transposed = [w.transpose(3, 2, 0, 1) if w.ndim == 4 else w.T for w in keras_weights.values()]
load(torch_network, transposed)
q_keras = np.asarray(keras_network(observation[None]))[0]  # [3]
q_transposed = torch_network(torch.tensor(observation[None])).detach().numpy()[0]  # [3]
print("every shape fits, nothing complains")
print("the same Q-values:", np.allclose(q_keras, q_transposed, atol=1e-4))

# %% [markdown]
# No error, no warning, and an agent that would play like a stranger. The culprit is the **flatten**. Keras' maps lie as `[h, w, c]` and are read
# channel after channel within a place; PyTorch's lie as `[c, h, w]` and are read place after place within a channel. The dense layer behind
# has one row of weights for each input, and receives its inputs in another order:

# %%
maps = np.array([[["a0", "b0"], ["a1", "b1"]]])  # [h, w, c] = [1, 2, 2]: channels a and b, places 0 and 1
print("Keras flattens:  ", maps.reshape(-1).tolist())
print("PyTorch flattens:", maps.transpose(2, 0, 1).reshape(-1).tolist())

# %% [markdown] exercise="02.5" points=4
# ### Exercise 02.5 · From Keras to PyTorch
# *Difficulty 4 of 5 · 4 points · about 15 minutes*
#
# Write `keras_to_torch(weights, flatten_shape)` with NumPy. `weights` maps `"conv1/kernel"`, `"conv1/bias"`, ..., `"q/bias"` to `float32` arrays in
# Keras' layout; `flatten_shape` is the (h, w, c) of the maps before the flatten, which is followed by `dense1`. Return a new dictionary in the same
# order and with nothing else in it, with the names `"conv1.weight"`, `"conv1.bias"`, ... and PyTorch's layout.
#
# With `flatten_shape=(1, 2, 2)` a `dense1/kernel` of `[[1], [2], [3], [4]]` becomes the `dense1.weight` `[[1, 3, 2, 4]]`.
#
# <details><summary>Hint 1</summary>Four cases: a bias stays, a 4-D kernel is transposed, a 2-D kernel is transposed, and <code>dense1/kernel</code> gets its inputs reordered first.</details>
# <details><summary>Hint 2</summary>The first axis of <code>dense1/kernel</code> has h · w · c rows. Give it its three axes back: <code>kernel.reshape(h, w, c, -1)</code>.</details>
# <details><summary>Hint 3</summary>Move c to the front and lay flat again: <code>.transpose(2, 0, 1, 3).reshape(h * w * c, -1)</code>, then <code>.T</code> as for every dense kernel. Only for <code>dense1</code>.</details>

# %% exercise="02.5"
def keras_to_torch(weights, flatten_shape):
    """Carry weights from Keras' layout to PyTorch's.

    weights: {"conv1/kernel": float32 [h, w, in, out], "conv1/bias": [out], ..., "dense1/kernel": [in, out], ..., "q/bias": [out]};
    flatten_shape: (h, w, c) of the maps that dense1 sees. Leaves its arguments as they are.
    Returns {"conv1.weight": float32 [out, in, h, w], "conv1.bias": [out], ..., "dense1.weight": [out, in], ..., "q.bias": [out]}.
    """
    # SOLUTION BEGIN
    h, w, c = flatten_shape
    carried = {}
    for name, array in weights.items():
        if name == "dense1/kernel":
            array = array.reshape(h, w, c, -1).transpose(2, 0, 1, 3).reshape(h * w * c, -1)
        if array.ndim == 4:
            array = array.transpose(3, 2, 0, 1)  # [h, w, in, out] -> [out, in, h, w]
        elif array.ndim == 2:
            array = array.T  # [in, out] -> [out, in]
        carried[name.replace("/kernel", ".weight").replace("/bias", ".bias")] = array
    return carried
    # SOLUTION END


# %% check="02.5"
keras_to_torch = checks.convolutions.keras_to_torch(keras_to_torch)

# %% [markdown]
# A line for each action, with three dots: Keras; PyTorch with everything merely transposed; PyTorch with your weights. The first and the last
# should be equally high.

# %%
load(torch_network, keras_to_torch(keras_weights, (7, 7, 64)).values())
q_carried = torch_network(torch.tensor(observation[None])).detach().numpy()[0]  # [3]
draw.compare_q_values({"Keras": q_keras, "only transposed": q_transposed, "carried": q_carried}, ("stay", "right", "left"))
print("the same Q-values:", np.allclose(q_keras, q_carried, atol=1e-4))

# %% [markdown]
# ## 11 · Inside a trained agent
# What did DQN make of its 32 first filters? We load the most trained DQN agent that the course ships, and above its kernels draw others as
# they are before any training.
#
# **Predict**: what will training have given them: shapes within a frame, differences between the four frames, or both?

# %%
trained, entry = pretrained.load_stage("dqn", pretrained.stages("dqn")[-1])
trained = {name: trained[name] for name in NAMES}
limit = np.sqrt(6 / (8 * 8 * 4 + 8 * 8 * 32))  # the usual range for fresh weights (Glorot and Bengio 2010)
fresh = np.random.default_rng(0).uniform(-limit, limit, (8, 8, 4, 32))
draw.draw_first_layers({"before training": fresh, "after training": trained["conv1/kernel"]})

# %% [markdown]
# Both. Each filter is a strip of four tiles, the oldest frame left, the newest right; blue is negative, red positive, each filter in its own
# scale, strongest filters first. Before training all of it is noise. After training, look for
#
# - specks and short bars: things of the size of a ball, or edges;
# - strips whose tiles change their sign from one frame to the next: these see *motion*;
# - strips that are still noise: nothing ever pulled at them.
#
# The number in the titles says how alike neighbouring weights are, 0 for noise. A gradient made these shapes from points won and nothing else.

# %% [markdown]
# Now let it play, with *your* network: in PyTorch through `keras_to_torch`, in Keras as it is.

# %%
num_actions = len(entry["actions"])
if FRAMEWORK == "torch":
    network = TorchQNetwork(num_actions)
    load(network, keras_to_torch(trained, (7, 7, 64)).values())
else:
    network = make_keras_network(num_actions)
    network.set_weights(list(trained.values()))


def q_values(observation):
    """uint8 [84, 84, 4] -> float32 [num_actions], in either framework."""
    if FRAMEWORK == "torch":
        return network(torch.tensor(observation[None])).detach().numpy()[0]
    return np.asarray(network(observation[None]))[0]


# %%
env = Breakout(preprocessing=entry["preprocessing"], num_actions=num_actions)
now, _ = env.reset(seed=1)
played, screens = [], []
for step in range(70):
    played.append(now)
    screens.append(env.render())
    now, _, terminated, truncated, _ = env.step(int(q_values(now).argmax()))
    if terminated or truncated:
        now, _ = env.reset(seed=1)
env.close()
kernels, biases = [trained[f"conv{i}/kernel"] for i in (1, 2, 3)], [trained[f"conv{i}/bias"] for i in (1, 2, 3)]
maps = [np.stack(layer) for layer in zip(*(conv_stack(o, kernels, biases) for o in played))]  # [70, 20, 20, 32], [70, 9, 9, 64], ...
channels = draw.liveliest(maps[0], 8)

# %% tags=["nbval-ignore-output"]
draw.show_thinking(screens, maps[0], channels)

# %% [markdown]
# On the left the game, on the right the eight maps of conv1 that change most. Watch the ball on both sides: which maps follow it, which follow
# the paddle, which only see the wall? (Each map is brightened by itself.) The same as a still picture, four moments from top to bottom:

# %%
moments = (10, 13, 16, 19)
draw.draw_feature_maps([screens[t] for t in moments], maps[0][list(moments)], channels)

# %% [markdown]
# Last question: what does a unit *want* to see? For eight filters of conv1 and eight of conv3 we look through all 70 observations for the place
# that excites each of them most, and cut its receptive field out of the newest frame. First row: 8 × 8 pixels, mostly edges and corners.
# Second row: 36 × 36 pixels. What do most of these share, and what could a unit that waits for it be good for?

# %%
draw.draw_favourites(np.stack(played), {f"conv{i}": (maps[i - 1], *fields[i - 1]) for i in (1, 3)})

# %% [markdown]
# <details><summary>What there is to find</summary>
#
# First row: mostly ends and edges of the paddle. The black tiles belong to filters that wait for a paddle which has just left: it is in the older
# frames, and gone from the newest. Second row: the ball is in every piece, and mostly the paddle, or one of its ends, below it. Is the paddle where
# the ball will come down? That is what the choice of a move hangs on.
# </details>

# %% [markdown]
# ## Quiz
# Answer in your head, then unfold: you find the reason, and why a tempting answer is wrong.
#
# **1.** The same kernel at all places: what does that save, and what does it give?
# <details><summary>Answer</summary>It saves weights (8,224 in conv1; without sharing each of the 400 places would need them anew), and it gives generalisation: what was learned about the ball at one place holds at every place. When the ball moves, the answer moves. <em>Tempting</em>: it saves time. The multiplications are as many as without sharing; a larger stride saves those.</details>
#
# **2.** The weights of a filter add up to 0. What does it say about a flat wall?
# <details><summary>Answer</summary>0, however bright the wall is: every pixel has the same value, so the response is that value times the sum of the weights. Only differences count. <em>Tempting</em>: something large, for the wall is bright. That is what a blur would say, whose weights add up to 1.</details>
#
# **3.** conv3's kernel is 3 × 3, yet its units see 36 × 36 pixels. Why?
# <details><summary>Answer</summary>It sees 3 × 3 units of conv2, each of which sees 20 × 20 pixels and lies 8 pixels from the next: 20 + 2 · 8 = 36. <em>Tempting</em>: 3 · 20 = 60. But the fields of neighbours overlap by 12 pixels.</details>
#
# **4.** Why is the output layer linear, when every other layer has a ReLU?
# <details><summary>Answer</summary>A Q-value is an expected sum of rewards and may be any number. After a ReLU it could not be negative, and where the output is cut to 0 no gradient flows: that action would stop learning. <em>Tempting</em>: so that it can be large. A ReLU has no upper limit either.</details>
#
# **5.** You load weights, all shapes fit, and the agent plays badly. What do you check first?
# <details><summary>Answer</summary>The Q-values of one observation against those of the framework the weights came from. If they differ, the order in which the flatten reads the maps: it changes no shape and every value. After it: /255 missing or twice, and the order of the frames. <em>Tempting</em>: train it a little more. That would hide the fault, and cost what the agent knew.</details>

# %% [markdown]
# ## What to try next
# - **A harder rim.** Make your ball finder's rim −6 and run section 5 again. *Expect*: nearly as many balls as the learned filter finds. By hand
#   one gets far, once one has seen what goes wrong; the gradient did not need to be told.
# - **A smaller kernel, fewer steps.** Learn with 3 × 3 instead of 7 × 7 (two 7s, 49, `size`, the two `reshape`s), or for 30 steps. *Expect*: about
#   three of four balls with 3 × 3, whose rim is too narrow for the paddle's ends, and two of three after 30 steps.
# - **A smaller network.** Call `layer_table` with `conv=((16, 8, 4), (32, 4, 2))` and `dense=(256,)`, that of 2013.
#   *Expect*: 20 and 9 pixels, and 2,592 numbers after the flatten; about 0.68 million parameters, and again one dense layer holds nearly all.

# %% [markdown]
# ## References
# - Mnih et al.: [Human-level control through deep reinforcement learning](https://www.nature.com/articles/nature14236). Nature 518, 2015. The
#   network of this lesson, in Methods.
# - Mnih et al.: [Playing Atari with deep reinforcement learning](https://arxiv.org/abs/1312.5602). 2013. The smaller one.
# - Dumoulin, Visin: [A guide to convolution arithmetic for deep learning](https://arxiv.org/abs/1603.07285). 2016. Sizes, strides, padding,
#   with drawings.
# - Springenberg, Dosovitskiy, Brox, Riedmiller: [Striving for simplicity: the all convolutional net](https://arxiv.org/abs/1412.6806). 2014.
#   Stride instead of pooling.
# - Araujo, Norris, Sim: [Computing receptive fields of convolutional neural networks](https://distill.pub/2019/computing-receptive-fields/).
#   Distill, 2019.
# - Zeiler, Fergus: [Visualizing and understanding convolutional networks](https://arxiv.org/abs/1311.2901). 2013. What excites a unit most.
# - Glorot, Bengio: [Understanding the difficulty of training deep feedforward neural
#   networks](https://proceedings.mlr.press/v9/glorot10a.html). AISTATS 2010.
# - Mnih et al.: [Asynchronous methods for deep reinforcement learning](https://arxiv.org/abs/1602.01783). ICML 2016. A relative of this
#   network.
# - Osband, Blundell, Pritzel, Van Roy: [Deep exploration via Bootstrapped DQN](https://arxiv.org/abs/1602.04621). NIPS 2016. Another.
#
# **Next**: [03 · The Huber loss](03_huber_loss.ipynb).
