using Vitrine.Hardware.Host;
using Vitrine.Kernel.Drivers.Tty;

namespace Vitrine.Kernel.Drivers.Tty
{
    /// <summary>What a machine knows of its terminals as a whole: the console, limits, settings.</summary>
    internal sealed class TtyRegistry
    {
        /// <summary>The machine's console; null while it has none.</summary>
        public TtyDevice? Console { get; set; }

        /// <summary>Where what is written to /dev/console goes instead (TIOCCONS).</summary>
        public TtyFile? ConsoleRedirection { get; set; }

        /// <summary>Terminals whose screens and keyboards are outside, by their channels.</summary>
        public Dictionary<TerminalChannel, HostTerminalBridge> Bridges { get; } = [];

        /// <summary>Pairs of pseudo-terminals (kernel.pty.nr).</summary>
        public int PairCount { get; set; }

        /// <summary>kernel.pty.max.</summary>
        public int PairMaximum { get; set; } = 4096;

        /// <summary>How many of them are kept for instances mounted in the first mount namespace (kernel.pty.reserve).</summary>
        public int PairReserve { get; set; } = 1024;

        /// <summary>TIOCSTI for everybody (dev.tty.legacy_tiocsti).</summary>
        public bool AllowsInsertion { get; set; } = true;

        /// <summary>The machine ends: what is outside is let go.</summary>
        public void CloseBridges()
        {
            foreach (HostTerminalBridge bridge in Bridges.Values.ToArray())
                bridge.Close();
        }
    }
}

namespace Vitrine.Kernel
{
    /// <content>The terminals.</content>
    internal sealed partial class KernelInstance
    {
        private TtyRegistry? _terminals;

        public TtyRegistry Terminals => _terminals ??= new TtyRegistry();
    }
}
