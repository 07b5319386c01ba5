import type { RightsMessages } from './index'

export const messages: RightsMessages = {
  loading: 'Chargement',
  failed: 'Cette page n’a pas pu être chargée.',
  retry: 'Réessayer',
  'error.offline': 'Impossible de joindre la boutique. Vérifiez votre connexion et réessayez.',
  'error.tooMany': 'Trop d’essais en peu de temps. Attendez une minute et réessayez.',
  'error.later': 'Un problème est survenu de notre côté. Réessayez dans un instant.',
  'shop.unknown': 'Cette boutique n’existe pas. Vérifiez l’adresse.',
  'shop.notOffered': 'Cette boutique ne propose pas cette fonction. Veuillez la contacter.',
  email: 'E-mail',
  emailHint: 'L’adresse utilisée pour la commande',
  name: 'Nom',
  code: 'Code à six chiffres',
  codeWrong: 'Ce code n’est pas correct ou n’est plus valable.',
  change: 'Modifier les informations',
  continue: 'Continuer',
  privacy: 'Vous n’avez besoin ni de compte ni de mot de passe.',
  'withdraw.title': 'Se rétracter du contrat ici',
  'withdraw.text':
    'Vous pouvez vous rétracter d’un achat chez {shop} dans les 14 jours, sans donner de motif.',
  'withdraw.order': 'Numéro de commande',
  'withdraw.orderHint': 'Il figure dans l’e-mail qui a confirmé votre commande.',
  'withdraw.codeTitle': 'Confirmez votre rétractation',
  'withdraw.codeText':
    'Vous vous rétractez de la commande {number}. Si elle existe, un code est en route vers {email} : saisissez-le pour confirmer.',
  'withdraw.confirm': 'Confirmer la rétractation',
  'withdraw.doneTitle': 'Vous vous êtes rétracté du contrat',
  'withdraw.doneText':
    'Votre déclaration a été reçue le {date}. Un accusé de réception est en route vers {email}.',
  'withdraw.contract': 'Contrat',
  'withdraw.refund': 'Remboursement',
  'withdraw.refundText': 'L’argent revient sur le moyen de paiement utilisé dans les 14 jours.',
  'withdraw.proRata':
    'Vous avez demandé que le service commence immédiatement : le temps écoulé jusqu’à votre déclaration est dû.',
  'withdraw.noRefund': 'Il n’y a aucun paiement à rembourser.',
  'withdraw.disputed': 'Un paiement est contesté : votre banque a cet argent ou décide à son sujet.',
  'withdraw.lost':
    'Ceci a été fourni immédiatement, à votre demande. Vous avez accepté lors de l’achat de perdre ainsi le droit de rétractation.',
  'withdraw.over': 'Le délai de rétractation est écoulé.',
  'withdraw.none':
    'Il n’y a pas de droit de rétractation pour cette commande. Veuillez contacter la boutique.',
  'cancel.title': 'Résilier un contrat ici',
  'cancel.text': 'Résiliez un abonnement chez {shop}.',
  'cancel.number': 'Numéro de commande ou de contrat',
  'cancel.numberHint': 'Il figure dans l’e-mail qui a confirmé votre commande.',
  'cancel.kind': 'Quand le contrat doit-il prendre fin ?',
  'cancel.ordinary': 'À la fin de la période payée',
  'cancel.extraordinary': 'Immédiatement, pour un motif grave',
  'cancel.reason': 'Motif',
  'cancel.reasonHint': 'Pourquoi ne pouvez-vous pas attendre la fin de la période ?',
  'cancel.checkTitle': 'Vérifiez votre résiliation',
  'cancel.confirm': 'Résilier maintenant',
  'cancel.doneTitle': 'Votre résiliation a été reçue',
  'cancel.doneText':
    'Elle a été reçue le {date}. Si les informations correspondent à un contrat, une confirmation indiquant le jour de fin est envoyée à {email}.',
  'cancel.doneNothing':
    'Pas d’e-mail après quelques minutes ? Vérifiez les informations ou contactez la boutique.',
  'cancel.doneLink':
    'Elle a été reçue le {date}. Si les informations correspondent à un contrat, un lien est envoyé à {email} : le contrat prend fin aussitôt que vous y confirmez, dans les 24 heures.',
  'cancel.linkTitle': 'Confirmez la résiliation',
  'cancel.linkText':
    'Vous résiliez un contrat avec {shop} avec effet immédiat. Il prend fin dès que vous confirmez.',
  'cancel.linkConfirm': 'Mettre fin au contrat maintenant',
  'cancel.linkOver': 'Ce lien n’est pas valable ou ne l’est plus. Déclarez la résiliation à nouveau.',
  'cancel.endedTitle': 'Le contrat a pris fin',
  'cancel.endedText': '{product} a pris fin le {date}. Une confirmation est en route vers vous.',
}
