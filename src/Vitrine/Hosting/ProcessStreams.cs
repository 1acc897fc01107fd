using Vitrine.Hardware.Host;

namespace Vitrine.Hosting;

/// <summary>
/// The three first descriptors of a process as its options ask for them: the machine's ends (channels) and the caller's
/// ends (streams, or captured bytes).
/// </summary>
internal sealed class ProcessStreams
{
    private readonly MemoryStream?[] _captured = new MemoryStream?[3];
    private readonly Task?[] _copying = new Task?[3];
    private readonly Stream?[] _host = new Stream?[3];

    public ProcessStreams(ProcessOptions options, HostPoller poller, CallersTerminals terminals)
    {
        ReadOnlySpan<ProcessStream> wanted = [options.StandardInput, options.StandardOutput, options.StandardError];
        Span<int> inherited = stackalloc int[3];
        int count = 0;
        for (int fd = 0; fd < 3; fd++)
        {
            if (wanted[fd].Kind == ProcessStreamKind.Inherit)
                inherited[count++] = fd;
        }

        for (int fd = 0; fd < 3; fd++)
        {
            Channels[fd] = wanted[fd].Kind == ProcessStreamKind.Inherit && terminals.Find(fd, inherited[..count]) is { } terminal
                ? terminal
                : Open(fd, wanted[fd], poller);
        }
    }

    /// <summary>Null where the caller's own descriptor is closed.</summary>
    public HostChannel?[] Channels { get; } = new HostChannel?[3];

    public Stream? Input => _host[0];

    public Stream? Output => _host[1];

    public Stream? Error => _host[2];

    /// <summary>
    /// Waits for captured output to be complete: until the last descriptor on it is closed inside, which may be after the
    /// program's own end, or until the machine stops.
    /// </summary>
    public async Task<(byte[] Output, byte[] Error)> FinishAsync(Task machineStopped)
    {
        foreach (Task? copying in _copying)
        {
            if (copying is not null)
                await Task.WhenAny(copying, machineStopped).ConfigureAwait(false);
        }

        return (_captured[1]?.ToArray() ?? [], _captured[2]?.ToArray() ?? []);
    }

    /// <summary>The program was not started: nobody will use the channels.</summary>
    public void Abandon()
    {
        foreach (HostChannel? channel in Channels)
        {
            // Terminals outlive programs.
            if (channel is not TerminalChannel)
                channel?.Dispose();
        }
    }

    private HostChannel? Open(int fd, ProcessStream wanted, HostPoller poller)
    {
        switch (wanted.Kind)
        {
            case ProcessStreamKind.Inherit:
                return HostDescriptor.Open(fd, poller);
            case ProcessStreamKind.Null:
                return new NullChannel();
            case ProcessStreamKind.Terminal:
                return wanted.Terminal!.Channel;
        }

        if (fd == 0 ? wanted.Kind == ProcessStreamKind.Capture : wanted.Kind == ProcessStreamKind.Bytes)
            throw new VitrineException(VitrineFailure.InvalidOption, $"descriptor {fd} can't be a stream of kind {wanted.Kind}");
        var channel = new StreamChannel(guestReads: fd == 0);
        Stream host = channel.CreateHostStream();
        if (wanted.Kind == ProcessStreamKind.Pipe)
        {
            _host[fd] = host;
        }
        else if (wanted.Kind == ProcessStreamKind.Capture)
        {
            _captured[fd] = new MemoryStream();
            _copying[fd] = host.CopyToAsync(_captured[fd]!);
        }
        else
        {
            _ = FeedAsync(host, wanted.Content);
        }

        return channel;
    }

    private static async Task FeedAsync(Stream host, ReadOnlyMemory<byte> content)
    {
        try
        {
            await host.WriteAsync(content).ConfigureAwait(false);
        }
        catch (IOException)
        {
            // The program closed its input before it had read all of it, as programs may.
        }
        finally
        {
            await host.DisposeAsync().ConfigureAwait(false);
        }
    }
}
