using Vitrine.Kernel.Ipc;

namespace Vitrine.Kernel.Vfs;

/// <content>The epoll interests in a description: they end with it.</content>
internal abstract partial class OpenFile
{
    private List<EpollInterest>? _epollInterests;

    /// <summary>The interests of epoll instances in this description.</summary>
    internal IReadOnlyList<EpollInterest> EpollInterests => _epollInterests ?? (IReadOnlyList<EpollInterest>)[];

    internal void AddEpollInterest(EpollInterest interest) => (_epollInterests ??= []).Add(interest);

    internal void RemoveEpollInterest(EpollInterest interest) => _epollInterests?.Remove(interest);

    /// <summary>Called when the last reference is gone, before <see cref="Release"/>.</summary>
    internal void DetachFromEpoll()
    {
        if (_epollInterests is null)
            return;
        foreach (EpollInterest interest in _epollInterests)
            interest.Owner.Forget(interest);
        _epollInterests = null;
    }
}
