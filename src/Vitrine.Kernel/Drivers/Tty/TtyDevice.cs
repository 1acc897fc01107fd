using Vitrine.Hardware.Host;
using Vitrine.Kernel.Sched;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Vfs;

namespace Vitrine.Kernel.Drivers.Tty;

/// <summary>
/// A terminal (tty_struct's twin): attributes, window, flow control, who has it open, whose controlling terminal it is.
/// A driver derives from it and says where output goes; input comes to <see cref="Input"/> and from there to the
/// consumer. Guarded by the kernel lock; nothing here waits but reads, writes and drains.
/// </summary>
internal abstract partial class TtyDevice
{
    /// <summary>With less room in the buffer some output may be waiting.</summary>
    private const int LeastRoom = 256;

    private readonly List<TtyFile> _files = [];
    private KernelTermios _attributes;
    private bool _isPumping;

    protected TtyDevice(KernelInstance kernel, int index, in KernelTermios initial)
    {
        Kernel = kernel;
        Index = index;
        _attributes = initial;
        Discipline = new LineDiscipline(this);
        Consumer = Discipline;
    }

    public KernelInstance Kernel { get; }

    /// <summary>The number among the terminals of its driver.</summary>
    public int Index { get; }

    /// <summary>Its device number: what TIOCGDEV and tty_nr of /proc/PID/stat show.</summary>
    public abstract DeviceNumber Number { get; }

    /// <summary>The other end of a pseudo-terminal; null for others.</summary>
    public TtyDevice? Link { get; protected set; }

    /// <summary>The master's end of a pseudo-terminal: requests about the terminal as such mean the other end.</summary>
    public virtual bool IsMaster => false;

    /// <summary>The terminal that attributes, window and session belong to.</summary>
    public TtyDevice Real => IsMaster && Link is { } slave ? slave : this;

    public ref readonly KernelTermios Attributes => ref _attributes;

    /// <summary>Bits set here can't be changed (TIOCSLCKTRMIOS).</summary>
    public KernelTermios LockedAttributes { get; set; }

    public WindowSize Window { get; set; }

    public LineDiscipline Discipline { get; }

    public ITtyConsumer Consumer { get; set; }

    /// <summary>What has arrived and not been taken by the consumer.</summary>
    public TtyBuffer Input { get; } = new();

    public WaitQueue ReadWait { get; } = new();

    public WaitQueue WriteWait { get; } = new();

    /// <summary>Who gets SIGIO.</summary>
    public AsyncSubscribers Subscribers { get; } = new();

    /// <summary>Something could not be written for lack of room, and the subscribers wait to hear that there is some.</summary>
    public bool OwesRoomNotice { get; set; }

    /// <summary>Open descriptions, and internal users.</summary>
    public int OpenCount { get; set; }

    /// <summary>Only a privileged open succeeds (TIOCEXCL).</summary>
    public bool IsExclusive { get; set; }

    /// <summary>The other end is closed: reads end with EIO when the data is out, polls see a hang-up.</summary>
    public bool IsOtherClosed { get; set; }

    /// <summary>No transfers: nobody has it open, or it is hung up.</summary>
    public bool HasIoError { get; set; }

    /// <summary>Output is stopped, by a STOP character or by TCOOFF.</summary>
    public bool IsStopped { get; private set; }

    /// <summary>Stopped by TCOOFF: a START character does not end it.</summary>
    public bool IsStoppedByRequest { get; private set; }

    /// <summary>This master reads status bytes (TIOCPKT).</summary>
    public bool IsPacketMode { get; set; }

    /// <summary>What has happened at this end that a master in packet mode has not been told.</summary>
    public PacketStatus PendingStatus { get; set; }

    /// <summary>Whether the other end is a master that wants to be told.</summary>
    public bool TellsMaster => Link is { IsPacketMode: true };

    /// <summary>Bytes that a write would take now.</summary>
    public abstract int WriteRoom { get; }

    /// <summary>Bytes that are written but not yet out.</summary>
    public virtual int OutputQueued => 0;

    /// <summary>Sends bytes out; takes what there is room for, nothing while stopped.</summary>
    public abstract int Write(ReadOnlySpan<byte> bytes);

    /// <summary>Drops output that is not yet out.</summary>
    public virtual void FlushOutput()
    {
    }

    /// <summary>A task waits for input here, or sets how input is treated: someone is really using the terminal.</summary>
    public virtual void NoteInteractiveUse(TerminalUse use)
    {
    }

    /// <summary>Input arrives from the line, or the other end. Takes what there is room for.</summary>
    public int Insert(ReadOnlySpan<byte> bytes)
    {
        int taken = Input.Put(bytes);
        PumpInput();
        return taken;
    }

    /// <summary>Hands on to the consumer what it takes; tells the other end when that makes room.</summary>
    public void PumpInput()
    {
        if (_isPumping)
            return;
        _isPumping = true;

        // Whoever writes waits only for lack of room, and the longest that must go out in one piece is a tab.
        bool wasFull = Input.Room < LeastRoom;
        bool moved = false;
        while (Input.Count > 0)
        {
            int taken = Consumer.Receive(Input.Peek());
            if (taken == 0)
                break;
            Input.Take(taken);
            moved = true;
        }

        _isPumping = false;
        if (moved && wasFull)
            Link?.Consumer.OutputRoom();
    }

    /// <summary>Drops what has arrived but not been consumed.</summary>
    public void DropInput()
    {
        if (Input.Count == 0)
            return;
        Input.Clear();
        Link?.Consumer.OutputRoom();
    }

    /// <summary>Stops output (^S).</summary>
    public void Stop()
    {
        if (IsStopped)
            return;
        IsStopped = true;
        ReportStatus(PacketStatus.Stop, PacketStatus.Start);
    }

    /// <summary>Lets output go on (^Q), unless it was stopped by request.</summary>
    public void Start()
    {
        if (!IsStopped || IsStoppedByRequest)
            return;
        IsStopped = false;
        ReportStatus(PacketStatus.Start, PacketStatus.Stop);
        Consumer.OutputRoom();
        WakeWriters();
    }

    /// <summary>There is room, or there may be.</summary>
    public void WakeWriters()
    {
        if (OwesRoomNotice)
        {
            OwesRoomNotice = false;
            Subscribers.Notify(PollReason.Out);
        }

        WriteWait.WakeAll((uint)(PollEvents.Out | PollEvents.WriteNormal));
    }

    /// <summary>TCOOFF and TCOON.</summary>
    public void StopByRequest(bool stop)
    {
        if (stop == IsStoppedByRequest)
            return;
        if (stop)
        {
            IsStoppedByRequest = true;
            Stop();
        }
        else
        {
            IsStoppedByRequest = false;
            Start();
        }
    }

    /// <summary>Sends one character past stopped output.</summary>
    public void SendUrgent(byte character)
    {
        bool wasStopped = IsStopped;
        IsStopped = false;
        _ = Write([character]);
        IsStopped = wasStopped;
    }

    /// <summary>Changes the attributes; driver and discipline adapt (tty_set_termios).</summary>
    public void SetAttributes(KernelTermios wanted)
    {
        KernelTermios old = _attributes;
        KeepLocked(ref wanted, old);
        AdaptAttributes(old, ref wanted);
        _attributes = wanted;
        NoteInteractiveUse(TerminalUse.Change);
        Discipline.AttributesChanged(old);
    }

    /// <summary>Back to how a new terminal is, after a hang-up.</summary>
    public void ResetAttributes(in KernelTermios initial)
    {
        KernelTermios old = _attributes;
        _attributes = initial;
        Discipline.AttributesChanged(old);
    }

    /// <summary>Sets the window; whoever is in the foreground is told of a change.</summary>
    public virtual void Resize(WindowSize window)
    {
        if (window == Window)
            return;
        if (Foreground is { } group)
            Signals.SignalSender.SendKernelToProcessGroup(group, SignalNumber.Winch);
        Window = window;
    }

    /// <summary>A driver's own requests; ENOIOCTLCMD if it has none such.</summary>
    public virtual Async.KTask<SyscallResult> DriverControlAsync(Task current, TtyFile file, uint command, ulong argument) =>
        Async.KTask<SyscallResult>.FromResult(Errno.ENOIOCTLCMD);

    /// <summary>What a new file on the terminal must not be refused for (EIO, EBUSY); counts nothing.</summary>
    public virtual Errno CheckOpen(Task current) =>
        IsExclusive && !current.IsCapable(Security.Capability.SysAdmin) ? Errno.EBUSY : Errno.Success;

    /// <summary>A file has been opened.</summary>
    public void Opened(TtyFile file)
    {
        _files.Add(file);
        OpenCount++;
        OnOpened();
    }

    /// <summary>A file is gone.</summary>
    public void Closed(TtyFile file)
    {
        _files.Remove(file);
        OpenCount--;
        OnClosed();
    }

    protected void ReportStatus(PacketStatus set, PacketStatus clear)
    {
        if (!TellsMaster)
            return;
        PendingStatus = (PendingStatus & ~clear) | set;
        Link!.ReadWait.WakeAll((uint)(PollEvents.In | PollEvents.ReadNormal | PollEvents.Priority));
    }

    protected virtual void OnOpened() => HasIoError = false;

    protected virtual void OnClosed()
    {
    }

    /// <summary>What the driver can't or must not change in new attributes.</summary>
    protected virtual void AdaptAttributes(in KernelTermios old, ref KernelTermios wanted)
    {
    }

    private void KeepLocked(ref KernelTermios wanted, in KernelTermios old)
    {
        KernelTermios locked = LockedAttributes;
        wanted.Input = (wanted.Input & ~locked.Input) | (old.Input & locked.Input);
        wanted.Output = (wanted.Output & ~locked.Output) | (old.Output & locked.Output);
        wanted.Control = (wanted.Control & ~locked.Control) | (old.Control & locked.Control);
        wanted.Local = (wanted.Local & ~locked.Local) | (old.Local & locked.Local);
        if (locked.Discipline != 0)
            wanted.Discipline = old.Discipline;
        for (int i = 0; i < ControlCharacters.Length; i++)
        {
            if (locked.Characters[i] != 0)
                wanted.Characters[i] = old.Characters[i];
        }
    }
}
