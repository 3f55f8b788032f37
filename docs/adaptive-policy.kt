// Policy of a menu of networks (menu.json of `edgenas adapt`): which network runs the next frame.
// Port of edgenas/adaptive/device/policy.py. A port proves itself by adaptive-policy-vectors.json: for each case, call
// frame(ms) with each of "frames" and compare with "networks"; the first network is "first".
// Written November 2026; not compiled and not run on a phone.

import kotlin.math.max
import kotlin.math.min

class Policy(
    menuMs: List<Double>,            // times of the networks in menu.json, ascending
    private val budgetMs: Double,
    private val quantile: Double = 0.9,
    private val fast: Int = 2,
    private val slow: Int = 30,
    private val margin: Double = 0.05,
) {
    private val ms = menuMs.toMutableList()
    private val ratios = ArrayDeque<Double>()    // of the last `slow` frames: time / time in the menu
    private val late = ArrayDeque<Boolean>()     // of the last `fast + 1` frames since the last change
    private var since = 0
    private var wait = slow
    private var rose = false

    /** Number of the network for the next frame. */
    var now = fitting(1.0)
        private set

    /** Median ratio of the last frames; 1 before the first. */
    val slowdown: Double
        get() = if (ratios.isEmpty()) 1.0 else ratios.sorted()[ratios.size / 2]

    /** The largest network that fits at a ratio with the margin, else the smallest. */
    fun fitting(ratio: Double): Int {
        val most = budgetMs / ratio / (1 + margin)
        return max(0, ms.count { it <= most } - 1)
    }

    /** Take a frame of the network `now` that took `frameMs`; return the network of the next frame. */
    fun frame(frameMs: Double): Int {
        keep(ratios, frameMs / ms[now], slow)
        keep(late, frameMs > budgetMs, fast + 1)
        since += 1
        if (late.count { it } >= fast && now > 0) {
            val recent = ratios.toList().takeLast(late.size)
            if (rose && since < slow) wait = min(wait * 2, 16 * slow)
            ratios.clear()                       // the frames before the change say nothing about now
            ratios.addAll(recent)
            change(min(fitting(recent.sorted()[recent.size / 2]), now - 1), false)
        } else if (since >= wait && ratios.size == slow) {
            val at = max(0, (quantile * slow + 0.9999).toInt() - 1)
            val wanted = fitting(ratios.sorted()[at])
            if (wanted != now) change(wanted, wanted > now)
        }
        if (rose && since == 2 * slow) wait = max(slow, wait / 2)
        return now
    }

    /** Take the next smaller network before frames get slow, as where getThermalHeadroom(10) is above 0.9. */
    fun cooler(): Int {
        if (now > 0) change(now - 1, false)
        return now
    }

    /** Remove a network that cannot be used: its file is damaged, or it answers the probe wrongly. */
    fun remove(network: Int) {
        ms.removeAt(network)
        if (now > 0 && now >= network) now -= 1
        since = 0
        late.clear()
    }

    private fun change(network: Int, up: Boolean) {
        now = network
        since = 0
        rose = up
        late.clear()
    }

    private fun <T> keep(queue: ArrayDeque<T>, value: T, most: Int) {
        queue.addLast(value)
        if (queue.size > most) queue.removeFirst()
    }
}
