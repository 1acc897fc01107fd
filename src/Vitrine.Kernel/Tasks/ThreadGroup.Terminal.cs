namespace Vitrine.Kernel.Tasks;

/// <summary>What job control knows of a process's controlling terminal; the terminal layer implements it.</summary>
internal interface IControllingTerminal
{
    /// <summary>Device number, for tty_nr of /proc/PID/stat.</summary>
    DeviceNumber Device { get; }

    /// <summary>The foreground process group (tpgid), or null.</summary>
    Namespaces.PidNumber? Foreground { get; }

    /// <summary>The session leader has exited: SIGHUP to the foreground group, and the session loses the terminal.</summary>
    void SessionLeaderExited(ThreadGroup leader);
}

/// <content>The controlling terminal.</content>
internal sealed partial class ThreadGroup
{
    /// <summary>Null: none.</summary>
    public IControllingTerminal? Terminal { get; set; }
}
