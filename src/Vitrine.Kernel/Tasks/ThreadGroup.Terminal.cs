using Vitrine.Kernel.Drivers.Tty;
using Vitrine.Kernel.Namespaces;

namespace Vitrine.Kernel.Tasks;

/// <content>The controlling terminal.</content>
internal sealed partial class ThreadGroup
{
    /// <summary>The session's controlling terminal as this process knows it; null: none.</summary>
    public TtyDevice? Terminal { get; set; }

    /// <summary>Of a session leader whose terminal was hung up: the group that was in the foreground then.</summary>
    public PidNumber? OldForeground { get; set; }
}
