# %% [markdown]
# # 03 · The Huber loss
# **Predict.** An agent estimates how much reward is still to come, and looks at one number only: how far the ball is from the wall. Twelve
# times we have noted the distance and the reward that really followed, its **target**. The line through the twelve is sound: the farther the
# ball, the less is to come. Then **one** of the targets goes wrong: it says 20 where 1 was true. Where does the line go?
#
# - **A** It hardly moves: eleven against one.
# - **B** It moves up a little and stays a good description of the eleven.
# - **C** It turns round and says the opposite: the farther the ball, the better.
#
# **You will be able to**
# - say why the squared error lets one wild target dominate, and why the absolute error trembles;
# - write the Huber loss and its gradient in NumPy, PyTorch and Keras, and see through the traps of the libraries' own;
# - take a gradient step by hand, and tell beforehand what one outlier does to it;
# - read the errors of a trained Breakout agent, and say what Huber's loss changes about them, and what it costs.
#
# **Minutes**: about 75. **You need**: lesson 00, NumPy arrays, the derivative of $x^2$, and for one exercise a first acquaintance with PyTorch
# or Keras. Lessons 01 and 02 are not needed.

# %%
import course_lib
import torch
import numpy as np
from torch.nn import functional as F

with course_lib.quiet():
    import keras

from course_lib import checks, pretrained
from course_lib.environments import make_vector
from course_lib.exploration import epsilon_greedy
from course_lib.figures import huber as figures
from course_lib.figures import use_course_style
from course_lib.returns import td_targets

use_course_style()
FRAMEWORK = course_lib.framework()

# %% [markdown]
# ## One wild target
# The twelve targets, and the line that `np.polyfit` puts through them. It is the line of **least squares**: no other line has a smaller
# sum of squared errors. The picture shows twelve dots that fall from about 2 at the wall to about 1 at the paddle, and the line runs
# through them.

# %%
x = np.linspace(0, 1, 12)  # [12], the ball's distance from the wall
targets = 2 - x + np.random.default_rng(67).normal(0, 0.1, 12)  # [12], the reward that followed


def least_squares(x, targets):
    """The line with the smallest sum of squared errors: array (intercept, slope)."""
    slope, intercept = np.polyfit(x, targets, 1)
    return np.array([intercept, slope])


calm_weights = least_squares(x, targets)
figures.show_fit(x, targets, {f"slope {calm_weights[1]:+.1f}": (calm_weights, figures.COLOURS["squared"])}, top=3)

# %% [markdown]
# Now choose your guess, **A**, **B** or **C**, and let the eleventh target go wrong.

# %%
my_guess = "B"

wild_targets = targets.copy()
wild_targets[10] = 20.0
wrecked_weights = least_squares(x, wild_targets)
print(f"you guessed {my_guess}")
print(f"slope with twelve sound targets: {calm_weights[1]:+.1f}")
print(f"slope with one wild target:      {wrecked_weights[1]:+.1f}")

# %% [markdown]
# It is **C**. Eleven targets say *down*, one says *up*, and the line goes up. An agent that believes it would rather lose the ball than
# hit a brick. Move the slider to lift the wild target (the large red dot) and watch the line follow it. The still picture shows the targets
# 1, 8 and 20: in the first panel the line falls through the dots, in the second it rises, in the third it climbs to nearly 6,
# where the sound targets say 1. At 4 it is level already.

# %%
figures.show_wild_target(least_squares, x, targets, wild=10, values=(1.0, 2.0, 4.0, 6.0, 8.0, 11.0, 14.0, 17.0, 20.0))

# %% [markdown]
# ## Why one outvotes eleven
# Call the difference the **error**, $e = \text{target} - \text{prediction}$, throughout this lesson. The squared error charges
#
# $$L(e) = \tfrac{1}{2} e^2$$
#
# (the half only makes the slope tidy: $L'(e) = e$). Ten times the error costs a hundred times as much. Here is what each target costs at
# the *sound* line, and what share of the whole sum the wild one has.

# %%
errors = wild_targets - (calm_weights[0] + calm_weights[1] * x)  # [12]
squared_losses = 0.5 * errors**2  # [12]
print("the eleven together:", round(squared_losses[np.arange(12) != 10].sum(), 2))
print("the wild one alone: ", round(squared_losses[10], 2))
print(f"its share of the sum: {squared_losses[10] / squared_losses.sum():.2%}")

# %% [markdown]
# Whoever makes that sum small listens to one target only.
#
# **Why this matters for Breakout.** A network learns to predict **values**, the reward still to come, and its targets come partly *from its
# own guesses* (lesson 04 tells how). Early in training the guesses are poor. Later, a lost ball wipes out in one step everything that was
# still expected. Wild targets are no accidents there; each lost ball can bring one. And a network shares its weights between all screens:
# what one wild target does to the weights, it does to the values of every screen.

# %% [markdown]
# ## The pull of a target
# What is charged is called the **loss**, and learning follows its slope downhill. One step of gradient descent on a prediction $p$, where
# the learning rate $\alpha$ says how long the steps are:
#
# $$p \leftarrow p - \alpha \frac{\partial L}{\partial p} = p + \alpha L'(e), \qquad\text{because } \frac{\partial e}{\partial p} = -1$$
#
# So $L'(e)$ is the **pull** of the target on the prediction. Under the squared error the pull is $e$ itself: the farther off, the harder.
# No wonder.
#
# What if every target pulled equally hard? That is the **absolute error** $L(e) = |e|$ with the pull $+1$ or $-1$, the sign of $e$.

# %%
def squared_gradient(errors):
    return errors


def absolute_gradient(errors):
    return np.sign(errors)


def walk(gradient, target, rate=0.4, steps=25):
    """Predictions of gradient descent that starts at 0: float array [steps + 1]."""
    predictions = [0.0]
    for _ in range(steps):
        errors = np.array([target - predictions[-1]])  # [1]
        predictions.append(predictions[-1] + rate * gradient(errors)[0])
    return np.array(predictions)

# %% [markdown]
# **Predict.** The target is 3 and the learning rate 0.4. How near does the absolute error bring the prediction after 25 steps, and does it
# come nearer if we grant it 1,000?

# %%
my_guess = "nearer and nearer"

squared_walk, absolute_walk = walk(squared_gradient, 3.0), walk(absolute_gradient, 3.0)
print(f"you guessed {my_guess}")
print("squared error, last three predictions: ", squared_walk[-3:].round(2))
print("absolute error, last three predictions:", absolute_walk[-3:].round(2))
print("absolute error after 1,000 steps:      ", walk(absolute_gradient, 3.0, steps=1000)[-2:].round(2))

# %% [markdown]
# Never nearer than 0.2: it trembles for ever. At error 0 the absolute error has a **kink**: a hair's breadth from the target it still pulls
# with full strength, steps over it, and is pulled back. In the picture the squared error (orange squares) slows down as it arrives; the
# absolute error (green triangles) walks evenly and then jumps to and fro across the dashed line.

# %%
figures.show_walks({"squared": squared_walk, "absolute": absolute_walk}, target=3.0)

# %% [markdown]
# | | far from the target | near the target |
# |---|---|---|
# | squared error | pulls without limit: one wild target wins | **slows down and settles** |
# | absolute error | **pulls with a fixed strength** | never settles |
#
# Each is right where the other is wrong. So take the parabola near 0 and a straight line far away.

# %% [markdown]
# ## Parabola, then line
# Peter Huber's loss (1964) changes over at $|e| = \delta$ (delta). The line has to leave the parabola **without a jump and without a
# kink**:
#
# - at $\delta$ the parabola has the height $\tfrac12\delta^2$ and the slope $\delta$;
# - a line of slope $\delta$ through that point is $\tfrac12\delta^2 + \delta\,(|e| - \delta) = \delta\,(|e| - \tfrac12\delta)$.
#
# $$L_\delta(e) = \begin{cases} \tfrac12 e^2 & \text{if } |e| \le \delta \\
# \delta\,\bigl(|e| - \tfrac12\delta\bigr) & \text{otherwise} \end{cases}$$
#
# DQN takes $\delta = 1$: $\tfrac12 e^2$ up to 1, $|e| - \tfrac12$ beyond.

# %% [markdown] exercise="03.1" points=2
# ### Exercise 03.1 · The Huber loss, one value for each error
# *Difficulty 2 of 5 · 2 points · about 8 minutes*
#
# Write `huber_loss(errors, delta=1.0)`: a NumPy array of floats of any shape in, an array of the same shape out, and the input left as it
# was.
#
# | `errors` | `delta` | result |
# |---|---|---|
# | `[0.5, -0.5, 3.0]` | 1.0 | `[0.125, 0.125, 2.5]` |
# | `[0.5, -0.5, 3.0]` | 2.0 | `[0.125, 0.125, 4.0]` |
#
# <details><summary>Hint 1</summary>Both cases of the formula need |e| only. Work it out once for the whole array.</details>
# <details><summary>Hint 2</summary>An <code>if</code> cannot decide for an array; <code>np.where(condition, a, b)</code> takes from
# <code>a</code> where the condition holds and from <code>b</code> elsewhere.</details>
# <details><summary>Hint 3</summary><code>size = np.abs(errors)</code>, then <code>np.where(size &lt;= delta, the parabola, the
# line)</code> with both written in <code>size</code> and <code>delta</code>.</details>

# %% exercise="03.1"
def huber_loss(errors, delta=1.0):
    """Huber loss of each error.

    errors: float array, any shape; delta: where the parabola becomes a line.
    Returns a float array of the same shape.
    """
    # SOLUTION BEGIN
    size = np.abs(errors)
    return np.where(size <= delta, 0.5 * size**2, delta * (size - 0.5 * delta))
    # SOLUTION END

# %% check="03.1"
huber_loss = checks.huber.huber_loss(huber_loss)

# %% [markdown]
# The same twelve costs as before, now under the Huber loss. The wild one is still the dearest, as it should be, but its price has come
# down from hundreds to tens.

# %%
print("squared error of the wild target:", round(squared_losses[10], 1))
print("Huber loss of the wild target:   ", round(huber_loss(errors)[10], 1))

# %% [markdown]
# ## Measure the slope, then derive it
# A slope can be measured without any calculus: step a little to the right, a little to the left, compare the heights.
#
# **Predict**: what is the slope of the Huber loss at the errors $-5$, $0.5$ and $5$? Then run.

# %%
def measured_slope(loss, errors, step=1e-4):
    """Slope of a loss at each error, from two nearby heights."""
    return (loss(errors + step) - loss(errors - step)) / (2 * step)


my_guess = [-5.0, 0.5, 5.0]
print("your guess:", my_guess)
print("measured:  ", measured_slope(huber_loss, np.array([-5.0, 0.5, 5.0])).round(3))

# %% [markdown]
# Inside, the slope is the error itself, as with the squared error. Outside, it is the slope of a straight line. Ten or a thousand times
# off: the pull is the same.

# %% [markdown] exercise="03.2" points=2
# ### Exercise 03.2 · Its gradient
# *Difficulty 2 of 5 · 2 points · about 6 minutes*
#
# Write `huber_gradient(errors, delta=1.0)`: the slope of the Huber loss at each error, that is its derivative *with respect to the error*.
# Same shape out as in.
#
# | `errors` | `delta` | result |
# |---|---|---|
# | `[-5.0, 0.0, 0.5, 5.0]` | 1.0 | `[-1.0, 0.0, 0.5, 1.0]` |
# | `[-5.0, 0.0, 0.5, 5.0]` | 2.0 | `[-2.0, 0.0, 0.5, 2.0]` |
#
# <details><summary>Hint 1</summary>Read the table from the error's side: which errors come out as they went in?</details>
# <details><summary>Hint 2</summary>The derivative of the parabola is e; that of the line is delta on the right and -delta on the
# left.</details>
# <details><summary>Hint 3</summary>So the result never leaves the range from -delta to delta, and inside it nothing changes. NumPy has a
# function of two limits for exactly that: <code>np.clip</code>.</details>

# %% exercise="03.2"
def huber_gradient(errors, delta=1.0):
    """Derivative of the Huber loss at each error.

    errors: float array, any shape; delta: where the parabola becomes a line.
    Returns a float array of the same shape.
    """
    # SOLUTION BEGIN
    return np.clip(errors, -delta, delta)
    # SOLUTION END

# %% check="03.2"
huber_gradient = checks.huber.huber_gradient(huber_gradient)

# %% [markdown]
# ## Loss and gradient side by side
# Left the losses, right their slopes, over the error. The squared error is orange, Huber's blue, the shaded band reaches from $-\delta$ to
# $\delta$. Inside the band both are one curve; outside, Huber's loss is straight and its gradient flat. Move $\delta$. The still picture
# shows $\delta$ = 0.25, 1 and 2 at once: a small delta comes close to the absolute error, a large one to the squared error.

# %%
figures.show_losses(huber_loss, huber_gradient, deltas=(0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 1.75, 2.0))

# %% [markdown]
# And the walk to the target? Far away Huber (blue dots) takes the absolute error's even steps, and within 1 of the target it slows down as the
# squared error does. No trembling, no leap.

# %%
huber_walk = walk(huber_gradient, 3.0)
print("Huber loss, last three predictions:", huber_walk[-3:].round(2))
print("first step towards a target of 1,000, squared error:", walk(squared_gradient, 1000.0)[1])
print("first step towards a target of 1,000, Huber loss:   ", walk(huber_gradient, 1000.0)[1])
figures.show_walks({"squared": squared_walk, "absolute": absolute_walk, "Huber": huber_walk}, target=3.0)

# %% [markdown]
# ## A famous misreading
# The paper that taught Atari to neural networks (Mnih et al. 2015) says that it clips "the error term from the update" to lie between $-1$
# and $1$. More than one reader clipped the **error** instead, then squared it. It looks the same, and it trains.
#
# **Predict** the measured slope of that loss at the error 5.

# %%
def misread_loss(errors):
    return 0.5 * np.clip(errors, -1, 1) ** 2


my_guess = 1.0
print("your guess:              ", my_guess)
print("misread loss, slope at 5:", measured_slope(misread_loss, np.array([5.0]))[0].round(3))
print("Huber loss, slope at 5:  ", measured_slope(huber_loss, np.array([5.0]))[0].round(3))

# %% [markdown]
# Beyond 1 the misread loss is flat. A flat loss does not pull: the samples with the most to teach teach nothing. What has to be clipped is
# the **gradient**, and the Huber loss is the loss whose gradient is the clipped error.

# %% [markdown]
# ## The same in PyTorch and Keras
# Three lines of NumPy become three lines of a framework, which then finds the gradient by itself. The arithmetic is the easy part. The
# traps lie in **shapes** and **types**. For a batch of $B$ samples a network with one output returns a column `[B, 1]`; targets mostly come
# as a row `[B]`.
#
# **Predict**: what is the shape of `[4, 1]` minus `[4]`?

# %%
my_guess = (4,)

column = torch.tensor([[1.0], [2.0], [3.0], [4.0]])  # [4, 1], as a network returns it
row = torch.tensor([1.0, 2.0, 3.0, 4.0])  # [4], as targets come
print("your guess: ", my_guess)
print("torch says: ", tuple((row - column).shape))
print("keras says: ", tuple(keras.ops.subtract(row.numpy(), column.numpy()).shape))
print("mean |error|, although every prediction is right:", (row - column).abs().mean().item())

# %% [markdown]
# Every target has been compared with every prediction. No error, no warning, and the mean of that table is a number like any other: the
# loss even falls while training goes wrong. Bring both to `[B]` *before* you subtract, and look at the shape.
#
# Then types: rewards are whole numbers (`int64`), NumPy's floats are `float64`, a network computes in `float32`. Cast the targets to the
# predictions' type, never the other way round: that would cut 0.9 down to 0.

# %% [markdown] exercise="03.3" points=3
# ### Exercise 03.3 · The Huber loss of a batch, in a framework
# *Difficulty 3 of 5 · 3 points · about 12 minutes · one framework is enough, both is a bonus*
#
# Write `huber_torch(predictions, targets, delta=1.0)` or `huber_keras(...)`: `predictions` float32 `[B, 1]`, `targets` `[B]` of any type
# of number; return one loss for each sample, float32 `[B]`, through which the gradient reaches the predictions. Example: predictions
# `[[1.0], [5.0]]` and targets `[1.5, 2.0]` give `[0.125, 2.5]`.
#
# | | PyTorch | Keras |
# |---|---|---|
# | cast `t` to `p`'s type | `t.to(p.dtype)` | `keras.ops.cast(t, p.dtype)` |
# | absolute value | `x.abs()` | `keras.ops.abs(x)` |
# | choose | `torch.where(condition, a, b)` | `keras.ops.where(condition, a, b)` |
#
# <details><summary>Hint 1</summary>Three steps: one shape, one type, then your NumPy function in other words.</details>
# <details><summary>Hint 2</summary><code>predictions[:, 0]</code> is the column as a row, <code>[B]</code>, in both frameworks. (A bare
# <code>squeeze()</code> would also drop the batch when it holds one sample.)</details>
# <details><summary>Hint 3</summary>In PyTorch: <code>size = (targets.to(predictions.dtype) - predictions[:, 0]).abs()</code>, then the
# <code>where</code> of exercise 03.1. In Keras: <code>keras.ops.cast</code>, <code>keras.ops.abs</code>, <code>keras.ops.where</code>. No
# mean.</details>

# %% exercise="03.3" framework="torch"
def huber_torch(predictions, targets, delta=1.0):
    """Huber loss of each sample, in PyTorch.

    predictions: float32 tensor [B, 1]; targets: tensor [B] of any type of number.
    Returns a float32 tensor [B].
    """
    # SOLUTION BEGIN
    size = (targets.to(predictions.dtype) - predictions[:, 0]).abs()  # [B]
    return torch.where(size <= delta, 0.5 * size**2, delta * (size - 0.5 * delta))  # [B]
    # SOLUTION END

# %% check="03.3" framework="torch"
huber_torch = checks.huber.huber_torch(huber_torch)

# %% exercise="03.3" framework="keras"
def huber_keras(predictions, targets, delta=1.0):
    """Huber loss of each sample, in Keras.

    predictions: float32 tensor [B, 1]; targets: tensor [B] of any type of number.
    Returns a float32 tensor [B].
    """
    # SOLUTION BEGIN
    size = keras.ops.abs(keras.ops.cast(targets, predictions.dtype) - predictions[:, 0])  # [B]
    return keras.ops.where(size <= delta, 0.5 * size**2, delta * (size - 0.5 * delta))  # [B]
    # SOLUTION END

# %% check="03.3" framework="keras"
huber_keras = checks.huber.huber_keras(huber_keras)

# %% [markdown]
# ## Held against the libraries' own
# Both libraries have a Huber loss. On 32 random samples it must agree with yours for every delta.

# %%
rng = np.random.default_rng(0)
predictions = rng.normal(0, 3, (32, 1)).astype(np.float32)  # [32, 1]
batch_targets = rng.normal(0, 3, 32).astype(np.float32)  # [32]

for delta in (0.5, 1.0, 2.0):
    ours = huber_torch(torch.tensor(predictions), torch.tensor(batch_targets), delta)
    trusted = F.huber_loss(torch.tensor(predictions[:, 0]), torch.tensor(batch_targets), delta=delta, reduction="none")
    same_torch = np.allclose(ours, trusted, atol=1e-5)
    ours = huber_keras(keras.ops.array(predictions), keras.ops.array(batch_targets), delta)
    trusted = keras.losses.Huber(delta=delta, reduction="none")(batch_targets[:, None], predictions)
    same_keras = np.allclose(ours, trusted, atol=1e-5)
    print(f"delta {delta}: the same as torch's {same_torch}, as Keras's {same_keras}")

# %% [markdown]
# Why then write it by hand? Look closely at that cell: Keras was given **columns** `[32, 1]`, torch **rows** `[32]`. That was no whim.
#
# **Predict** the shape that `keras.losses.Huber(reduction="none")` returns for four targets and four predictions as rows, `[4]`.

# %%
my_guess = (4,)

four_targets, four_predictions = np.zeros(4, np.float32), np.array([0.5, 3.0, -1.0, 10.0], np.float32)  # [4], [4]
keras_huber = keras.losses.Huber(reduction="none")
print("your guess:            ", my_guess)
print("Keras, rows [4]:       ", tuple(keras_huber(four_targets, four_predictions).shape))
print("Keras, columns [4, 1]: ", tuple(keras_huber(four_targets[:, None], four_predictions[:, None]).shape))

# %% [markdown]
# "No reduction" in Keras means: no mean over the *batch*. The **last axis is always averaged**, and in a row the last axis *is* the batch.
# What comes back is one number, `()`. Multiply it by a mask, 1 for the samples that may teach and 0 for the others (lesson 07 lives on such
# masks), and nothing fails: the mask scales the mean of everything, and the samples that are masked out go on teaching.

# %% [markdown]
# ### torch's look-alike
# `F.smooth_l1_loss` has a parameter `beta` at the place where the parabola ends. **Predict**: with `beta=2`, is it the Huber loss with
# `delta=2`?

# %%
my_guess = True

errors_torch, zeros = torch.tensor([0.5, 1.0, 3.0, 10.0]), torch.zeros(4)
for width in (1.0, 2.0, 4.0):
    huber = F.huber_loss(errors_torch, zeros, delta=width, reduction="none")
    smooth = F.smooth_l1_loss(errors_torch, zeros, beta=width, reduction="none")
    print(f"delta = beta = {width}: Huber is {(huber / smooth).mean().item():.1f} times smooth L1")
print("your guess was", my_guess)

# %% [markdown]
# Smooth L1 is the Huber loss divided by its own delta: the same only at 1. Its line always has slope 1, and the parabola is flattened to
# fit. A `beta` of 4 means a quarter of the gradient everywhere, which looks like a learning rate that has gone bad.

# %% [markdown]
# ## One gradient step
# Back to the twelve targets, and to learning. Weights $w$ predict from features $x$: $p_b = \sum_f x_{bf} w_f$. The loss of a batch is the
# mean over its $B$ samples. Each sample pulls at its prediction with $L'(e_b)$, and through the feature $x_{bf}$ at the weight $w_f$:
#
# $$w_f \leftarrow w_f + \alpha\,\frac{1}{B}\sum_{b=1}^{B} L'(e_b)\,x_{bf}$$
#
# The same with numbers: $B = 2$ samples, $F = 2$ features, the first feature always 1, so that its weight is the intercept.

# %%
small_features = np.array([[1.0, 2.0], [1.0, 4.0]])  # [B, F]
small_errors = np.array([3.0, -0.5])  # [B]
print("pulls, squared error:", squared_gradient(small_errors))
print("pulls, Huber:        ", huber_gradient(small_errors))
print("sample 0 pulls at the two weights with", huber_gradient(small_errors)[0] * small_features[0])
print("sample 1 pulls at the two weights with", huber_gradient(small_errors)[1] * small_features[1])

# %% [markdown] exercise="03.4" points=3
# ### Exercise 03.4 · One gradient step with an outlier in the batch
# *Difficulty 3 of 5 · 3 points · about 12 minutes*
#
# Write `gradient_step(weights, features, targets, loss_gradient, learning_rate)`. `weights` `[F]`, `features` `[B, F]` and `targets` `[B]`
# are floats and stay as they are; `loss_gradient` is a function from errors `[B]` to pulls `[B]`, such as `squared_gradient` or
# `huber_gradient`. Return the new weights, `[F]`.
#
# Example: weights `[0.0, 0.0]`, features `[[1.0, 2.0], [1.0, 4.0]]`, targets `[3.0, -0.5]`, rate 0.1. The pulls at the weights are those
# printed above, their mean is `[0.25, 0.0]` with Huber, and the new weights are `[0.025, 0.0]`. With the squared error they are `[0.125,
# 0.2]`.
#
# <details><summary>Hint 1</summary>Errors first: target minus prediction, where all predictions at once are <code>features @
# weights</code>, [B].</details>
# <details><summary>Hint 2</summary>Each row of features is to be multiplied by its own pull. Make the pulls a column: <code>pulls[:, None]
# * features</code> is [B, F].</details>
# <details><summary>Hint 3</summary>Average over the samples, which lie along axis 0: <code>.mean(axis=0)</code> leaves [F]. Add the
# learning rate times that to the weights, with <code>+</code>, not <code>+=</code>.</details>

# %% exercise="03.4"
def gradient_step(weights, features, targets, loss_gradient, learning_rate):
    """Weights after one step of gradient descent on the mean loss of a batch.

    weights: float [F]; features: float [B, F]; targets: float [B];
    loss_gradient: function from errors [B] to the loss's slope at each, [B].
    Returns a new float array [F].
    """
    # SOLUTION BEGIN
    errors = targets - features @ weights  # [B]
    pulls = loss_gradient(errors)[:, None] * features  # [B, F]
    return weights + learning_rate * pulls.mean(axis=0)  # [F]
    # SOLUTION END

# %% check="03.4"
gradient_step = checks.huber.gradient_step(gradient_step)

# %% [markdown]
# ## An agent that knew better
# Start from the **sound** line, an agent that has learned well. It meets one batch of twelve, one of them wild. One single step with
# learning rate 0.5.
#
# **Predict**: how much worse do its eleven sound predictions become under the squared error? Twice as bad, five times, ten times or more?

# %%
my_guess = "five times"

features = np.stack([np.ones(12), x], axis=1)  # [12, 2]
sound = np.arange(12) != 10


def mean_error(weights):
    """Mean |error| over the eleven sound targets."""
    return np.abs(targets - features @ weights)[sound].mean()


after_squared = gradient_step(calm_weights, features, wild_targets, squared_gradient, 0.5)
after_huber = gradient_step(calm_weights, features, wild_targets, huber_gradient, 0.5)
print("you guessed", my_guess)
print(f"before the step:            off by {mean_error(calm_weights):.2f}")
print(f"after a step, squared loss: off by {mean_error(after_squared):.2f}")
print(f"after a step, Huber loss:   off by {mean_error(after_huber):.2f}")

# %% [markdown]
# **Ten times or more**: from 0.06 to 1.12. One batch, one step, and what the agent knew about the other eleven is gone: under the squared
# error (orange) the line has lifted clean off the dots. Under Huber's (blue) it has hardly stirred, and the eleven will pull it back with
# the next batch.

# %%
lines = {
    "before": (calm_weights, "black"),
    "a step, squared error": (after_squared, figures.COLOURS["squared"]),
    "a step, Huber loss": (after_huber, figures.COLOURS["Huber"]),
}
figures.show_fit(x, wild_targets, lines, wild=10, top=3.6)

# %% [markdown]
# ## And after thousands of steps?
# Now the wild target stays in the batch for good, and the step is repeated until nothing changes. **Predict**: which slope does the Huber
# line settle at, when the sound one is $-1.0$ and the squared error's is $+5.6$?

# %%
my_guess = +2.0


def train(loss_gradient, steps=3000):
    weights = np.zeros(2)
    for _ in range(steps):
        weights = gradient_step(weights, features, wild_targets, loss_gradient, 0.5)
    return weights


trained = {"squared": train(squared_gradient), "Huber": train(huber_gradient)}
print("your guess:", my_guess)
for name, weights in trained.items():
    print(f"{name}: slope {weights[1]:+.1f}")

# %% [markdown]
# The squared error ends where `np.polyfit` ended, at the wrecked line. The Huber line still falls. It is not untouched: one constant pull
# remains, and the eleven lean a little against it. But it is *one pull of strength 1*, whether the wild target says 20 or 20,000.

# %%
lines = {f"{name}, slope {weights[1]:+.1f}": (weights, figures.COLOURS[name]) for name, weights in trained.items()}
figures.show_fit(x, wild_targets, lines, wild=10)

# %% [markdown]
# ## What it costs
# Nothing is free. Suppose that some situation of the game is followed by a reward of 10 one time in ten, and by 0 otherwise. Its value, the
# mean, is 1. The 10 is no mistake; it is the truth.
#
# **Predict**: which single number does the Huber loss with $\delta = 1$ settle at?

# %%
my_guess = 1.0

rare_reward = np.array([0.0] * 9 + [10.0])  # [10], mean 1
ones = np.ones((10, 1))  # [10, 1]: one feature that is always 1, so that the weight is the prediction
for delta in (0.1, 1.0, 10.0):
    weights = np.zeros(1)
    for _ in range(1000):
        weights = gradient_step(weights, ones, rare_reward, lambda errors: huber_gradient(errors, delta), 0.5)
    print(f"delta {delta:4}: settles at {weights[0]:.2f}")
print("your guess:", my_guess)

# %% [markdown]
# At 0.11, a ninth of the truth: nine pulls of 0.11 downwards hold one pull of 1 in balance. To Huber's loss a rare jackpot and a wild
# target look the same. It settles between the **mean** (large delta) and the **median** (small delta, here 0).
#
# So delta has to fit the scale of honest errors. DQN sees to that from the other side: it clips every reward to $[-1, 1]$, and then most
# honest errors lie inside $\delta = 1$, where Huber *is* the squared error. Whether they really do, we can look up.

# %% [markdown]
# ## The errors of a real agent
# The most trained DQN agent that ships with the course plays eight games at once, one action in ten at random, as in training. After each
# step its **TD error** (temporal difference: between two moments) is what it now knows minus what it thought: the clipped reward plus 0.99
# times the value of where it has come to, minus the value that it had given its action. After a lost ball nothing follows, and the target is
# the reward alone. (Lesson 04 builds all of this; here it is enough to read the picture.)

# %%
def play_and_measure(learner, config, steps, epsilon=0.1, seed=0):
    """TD errors of an agent at play, and which of them belong to a lost ball: float32 [N], bool [N]."""
    games, rng = make_vector(config, 8), np.random.default_rng(seed)
    observations, _ = games.reset(seed=seed)
    q_values = learner.q_values(observations)  # [8, A]
    errors, lost = [], []
    for _ in range(steps):
        observations, rewards, over, _, info = games.step(epsilon_greedy(q_values, epsilon, rng))
        next_q_values = learner.q_values(observations)  # [8, A]
        ball_lost = info["life_lost"] | over  # [8]
        targets = td_targets(np.clip(rewards, -1, 1), ball_lost, next_q_values, config.discount)  # [8]
        chosen = q_values[np.arange(8), info["actions"]]  # [8]
        played = ~info["reset"]  # [8], a step that begins a new game is no transition
        errors.append((targets - chosen)[played])
        lost.append(ball_lost[played])
        q_values = next_q_values
    games.close()
    return np.concatenate(errors), np.concatenate(lost)

# %% [markdown]
# **Predict**: what share of its errors lies beyond 1, where Huber and the squared error part? Under 5 %, about a quarter, or more than
# half?

# %%
my_guess = "about a quarter"

weights_file, _ = pretrained.stage_file("dqn")  # the highest stage that ships
learner, config = pretrained.load_learner(weights_file, FRAMEWORK)
td_errors, ball_lost = play_and_measure(learner, config, steps=400)
figures.show_td_errors(td_errors, ball_lost)

# %% [markdown]
# Far under 5 %. Left, how often each error occurs; mind the logarithmic scale, on which one step up is ten times as many. The bulk stands in
# a narrow peak around 0. The shaded zones beyond $\pm 1$ hold few steps, and the lost balls (red, hatched) lie on the left: everything that
# was still expected, gone in one step.
#
# Right, what those few weigh: their share of the steps (black), their share of the total pull under the squared error (orange), and under
# the Huber loss (blue). They are about one step in a hundred, so that about every fourth batch of 32 holds one. A small minority speaks
# with a loud voice, and Huber turns it down without switching it off.

# %% [markdown]
# ## Quiz
# Answer in your head, then unfold: you find the reason, and why a tempting answer is wrong.
#
# **1.** At $|e| = \delta$ parabola and line meet. Which of loss, slope and slope of the slope are continuous there?
# <details><summary>Answer</summary>Loss and slope: the line was chosen so. The slope of the slope falls from 1 to 0 at once, which plain
# gradient descent never asks for. <em>Tempting</em>: only the loss, since the formula changes there. But a line with another slope would
# have a kink, and a kink makes the prediction tremble, as the absolute error does at 0.</details>
#
# **2.** Why not write <code>0.5 * np.clip(errors, -1, 1) ** 2</code>?
# <details><summary>Answer</summary>Beyond 1 it is flat: slope 0, no pull. The samples that are most wrong teach nothing. Clip the
# gradient, not the error. <em>Tempting</em>: it is the same, for both stop a wild target. But Huber goes on pulling with strength 1.</details>
#
# **3.** <code>keras.losses.Huber(reduction="none")</code> gets 32 targets and 32 predictions, both of shape [32]. How many numbers come
# back?
# <details><summary>Answer</summary>One. Keras averages the last axis whatever the reduction, and here the last axis is the batch. Give it
# [32, 1], or write the three lines yourself. <em>Tempting</em>: 32, because "none" says so. It speaks of the batch, which Keras takes to be
# the axes before the last.</details>
#
# **4.** A colleague replaces the loss by the squared error and scales the whole batch's gradient down to length 1 whenever it is longer.
# Is that the same as Huber?
# <details><summary>Answer</summary>No. With a wild sample in the batch, the long gradient points where the wild one pulls; shortening it
# shrinks the 31 sound pulls along with it and keeps the wrong direction. Huber limits each sample on its own. <em>Tempting</em>: yes, since
# no step gets longer than with Huber. But it is the direction that the wild sample spoils.</details>
#
# **5.** An agent without reward clipping is trained with $\delta = 1$; breaking a top brick gives 7. What happens to the values of screens
# after which a 7 is rare?
# <details><summary>Answer</summary>They come out too low: the 7 pulls with strength 1, no harder than a 2 would. Huber drifts from the
# mean towards the median when honest errors exceed delta. Clip or rescale the rewards, or raise delta. <em>Tempting</em>: nothing, since
# Huber only holds back wild targets. It cannot tell a wild target from a rare, true one.</details>

# %% [markdown]
# ## What to try next
# - **Wild in the middle.** Make index 5 wild instead of 10 and fit with `least_squares`. *Expect*: the line is lifted by about 1.5 but
#   still falls. A point near the middle has no lever. Huber limits how hard a target pulls; the length of the lever, the feature, it
#   leaves alone.
# - **More liars.** Let several of the twelve say 20 and use `train(huber_gradient)`. *Expect*: five liars spread over the range (1, 3, 5,
#   8, 10) lift the line a little, and its slope stays near $-1$; three at the far end (9, 10, 11) take it over; and against six of twelve
#   nothing helps.
# - **An untrained agent.** Replace the trained agent's learner by a fresh one, `make_learner(config, FRAMEWORK, (84, 84, 4),
#   config.num_actions)` from `course_lib.learners`, and look at its TD errors. *Expect*: hardly any beyond 1. Who expects nothing cannot
#   be badly surprised; the wild errors come with learning.

# %% [markdown]
# ## References
# - Huber: [Robust estimation of a location parameter](https://doi.org/10.1214/aoms/1177703732). Annals of Mathematical Statistics 35, 1964.
# - Mnih et al.: [Human-level control through deep reinforcement learning](https://www.nature.com/articles/nature14236). Nature 518, 2015. The
#   clipped error term is in Methods.
# - Girshick: [Fast R-CNN](https://arxiv.org/abs/1504.08083). ICCV 2015. Where smooth L1 got its name.
# - Patterson, Liao, White: [Robust losses for learning value functions](https://arxiv.org/abs/2205.08464). 2022. What such losses mean for
#   values.
# - Documentation: [torch HuberLoss](https://docs.pytorch.org/docs/stable/generated/torch.nn.HuberLoss.html), [torch
#   SmoothL1Loss](https://docs.pytorch.org/docs/stable/generated/torch.nn.SmoothL1Loss.html), [Keras regression
#   losses](https://keras.io/api/losses/regression_losses/).
#
# **Next**: [04 · DQN](04_dqn.ipynb).
